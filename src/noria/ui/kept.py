"""What steps left, read back: JSON and pages that a run put into the artifact store."""

import json
import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Any

from noria.digest import Digest
from noria.errors import NoriaError
from noria.run.place import Place
from noria.store import runs
from noria.store.attempt import Output

MOST = 64  # documents in memory
MOST_MADE = 16  # values made of them
LARGEST = 1 << 25  # bytes of one that stays there

_read: OrderedDict[str, Any] = OrderedDict()
_made: OrderedDict[Hashable, Any] = OrderedDict()
_lock = threading.Lock()


def outputs(place: Place, run_id: str, word: str) -> dict[str, Output]:
    """What a step of a run left, by name; nothing if it has not ended."""
    with place.store.read() as c:
        found = next((one for one in runs.steps(c, run_id) if one.step == word), None)
        return dict(runs.result(c, found.id).outputs) if found else {}


def document(place: Place, run_id: str, word: str, name: str) -> Any:
    """A JSON output; None if there is none, or it is gone."""
    found = digest(place, run_id, word, name)
    return None if found is None else read(place, found)


def digest(place: Place, run_id: str, word: str, name: str) -> str | None:
    """Of an output; None if there is none."""
    found = outputs(place, run_id, word).get(name)
    return None if found is None else found.digest.hex


def made(key: Hashable, make: Callable[[], Any]) -> Any:
    """What is made of documents that never change, once for their key, which names them by their digests; None, where
    one is gone, is not kept."""
    with _lock:
        if key in _made:
            _made.move_to_end(key)
            return _made[key]
    value = make()
    if value is None:
        return None
    with _lock:
        _made[key] = value
        while len(_made) > MOST_MADE:
            _made.popitem(last=False)
    return value


def read(place: Place, digest: str) -> Any:
    """A JSON artifact by its digest; None if it is gone. What was read stays in memory: an artifact never changes."""
    with _lock:
        if digest in _read:
            _read.move_to_end(digest)
            return _read[digest]
    try:
        data = place.artifacts.get(Digest(digest))
    except NoriaError:
        return None
    found = json.loads(data)
    if len(data) <= LARGEST:
        with _lock:
            _read[digest] = found
            while len(_read) > MOST:
                _read.popitem(last=False)
    return found
