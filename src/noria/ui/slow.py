"""Values that take longer to compute than a page may: it shows the last known, and changes when a new one is there."""

import logging
import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

log = logging.getLogger("noria.ui")
HANDS = 2
KEPT = 200
PATIENCE_S = 0.05  # that a page waits for a value


@dataclass(frozen=True, slots=True)
class Known:
    """A value, or None as long as there is none; ``fresh`` says whether it is that of the newest marks; ``trouble``
    why there is none."""

    value: Any
    fresh: bool
    trouble: str = ""


class Slow:
    """Computes aside, each value once for its marks; ``turned`` counts what was computed, so that pages hear of it."""

    def __init__(self) -> None:
        self._hands = ThreadPoolExecutor(HANDS, thread_name_prefix="slow")
        self._lock = threading.Lock()
        self._known: OrderedDict[Hashable, tuple[Any, Known]] = OrderedDict()
        self._begun: dict[Hashable, Future[None]] = {}
        self.turned = 0

    def get(self, key: Hashable, marks: Any, compute: Callable[[], Any], patience: float = PATIENCE_S) -> Known:
        """The value for these marks if it is known soon enough; else the last one, and it is computed meanwhile."""
        with self._lock:
            old = self._known.get(key)
            if old is not None and old[0] == marks:
                self._known.move_to_end(key)
                return old[1]
            begun = self._begun.get(key)
            if begun is None:
                begun = self._begun[key] = self._hands.submit(self._compute, key, marks, compute)
        try:
            begun.result(patience)
        except TimeoutError:
            return Known(old[1].value if old else None, fresh=False)
        with self._lock:
            found = self._known.get(key)
        return found[1] if found is not None and found[0] == marks else Known(found[1].value if found else None, False)

    def _compute(self, key: Hashable, marks: Any, compute: Callable[[], Any]) -> None:
        try:
            known = Known(compute(), fresh=True)
        except Exception as error:  # whatever it is, a page says so rather than wait for ever
            log.warning("%s could not be computed: %s", key, error)
            known = Known(None, fresh=True, trouble=str(error))
        with self._lock:
            self._known[key] = (marks, known)
            while len(self._known) > KEPT:
                self._known.popitem(last=False)
            self._begun.pop(key, None)
            self.turned += 1

    def tell(self) -> None:
        """Something that no mark shows has changed: pages look again."""
        with self._lock:
            self.turned += 1

    def close(self) -> None:
        self._hands.shutdown(wait=False, cancel_futures=True)
