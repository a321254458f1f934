"""One at a time in a home: what takes bytes away for good waits for nobody and is in nobody's way."""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from noria.errors import UserError


@contextmanager
def alone(home: Path) -> Iterator[None]:
    """Hold the home's lock; ``UserError`` if an erasure or a clearing holds it."""
    with (home / "erase.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise UserError(
                "another erasure or clearing is at work", where=str(home), do="Wait for it to end."
            ) from None
        yield
