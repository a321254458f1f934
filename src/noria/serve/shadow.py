"""Copies of requests to versions that are tried in the shadow: beside the answers, recorded, never returned.

An answer waits for none of it. What comes faster than the shadows answer is dropped and counted.
"""

import asyncio
import logging
import time
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from noria.serve.capture import Spool
from noria.serve.host import Host, Loaded
from noria.serve.meter import Meter
from noria.serve.segment import Shadowed

log = logging.getLogger("noria.serve")
MOST_ROWS = 4_096  # that wait
AT_ONCE = 16  # copies: few enough that requests find their turn between them
TURN_S = 0.05


@dataclass(frozen=True, slots=True)
class Copy:
    """What was answered as ``prediction``, with these ``scores``: float32, row-major, as the shadow's will be."""

    endpoint: str
    prediction: str
    columns: Mapping[str, Any]
    rows: int
    scores: NDArray[np.float32]


class Shadows:
    """``offer`` is for any thread, all else for the event loop's.

    The meter is told what becomes of each copy: answered, dropped for want of time, or failed, as there was no answer
    to it; and in how many rows the shadow gave another label.
    """

    def __init__(self, host: Host, spool: Spool, meter: Meter) -> None:
        self._host = host
        self._spool = spool
        self._meter = meter
        self._waiting: deque[Copy] = deque()
        self._rows = 0

    def offer(self, copy: Copy) -> None:
        """Have the shadows answer it when there is time, or drop it."""
        if self._rows + copy.rows > MOST_ROWS:  # two threads at once may let one copy too many in
            endpoint = self._host.endpoints.get(copy.endpoint)
            for number in () if endpoint is None else endpoint.wanted.shadow:
                self._meter.shadow(copy.endpoint, str(number), "dropped")
            return
        self._waiting.append(copy)
        self._rows += copy.rows

    async def tend(self) -> None:
        """Answer what waits, for ever."""
        while True:
            await asyncio.sleep(TURN_S)
            await self.turn()

    async def turn(self) -> None:
        """Answer what waits now."""
        while self._waiting:
            some = [self._waiting.popleft() for _ in range(min(AT_ONCE, len(self._waiting)))]
            await asyncio.gather(*(self._answer(one) for one in some))
            self._rows = sum(one.rows for one in list(self._waiting))

    async def _answer(self, copy: Copy) -> None:
        endpoint = self._host.endpoints.get(copy.endpoint)
        for number in () if endpoint is None else endpoint.wanted.shadow:
            loaded = endpoint.loaded.get(number) if endpoint is not None else None
            if loaded is None:
                self._meter.shadow(copy.endpoint, str(number), "dropped")
                continue
            try:
                with np.errstate(over="ignore"):
                    found = await loaded.model.predict(copy.columns, copy.rows)
            except Exception as error:  # whatever a model that is on trial does, nobody waits for it
                self._meter.shadow(copy.endpoint, str(number), "failed")
                log.debug("%s@%d, in the shadow, has no answer: %s", copy.endpoint, number, error)
                continue
            scores = np.ascontiguousarray(found.scores, dtype=np.float32)
            self._compare(copy, loaded, scores)
            self._record(copy, loaded, scores.tobytes())

    def _compare(self, copy: Copy, loaded: Loaded, scores: NDArray[np.float32]) -> None:
        name, version = copy.endpoint, str(loaded.known.number)
        self._meter.shadow(name, version, "answered")
        model = loaded.signature
        if model.classes is None or model.several or scores.size != copy.scores.size:
            return  # there is no one label a row, or it is one of other classes
        mine, given = (one.reshape(copy.rows, -1).argmax(axis=1) for one in (scores, copy.scores))
        agreed = int((mine == given).sum())
        self._meter.shadow(name, version, "agreed", agreed)
        self._meter.shadow(name, version, "differed", copy.rows - agreed)

    def _record(self, copy: Copy, loaded: Loaded, scores: bytes) -> None:
        known, model = loaded.known, loaded.signature
        key = self._spool.key(
            copy.endpoint, known.number, known.release, model.classes, loaded.subject, several=model.several
        )
        self._spool.note(Shadowed(key, copy.prediction, time.time(), copy.rows, scores))
