"""What a step prints while it is at work, kept in the home: the run's page shows it beside the step.

One file a step run, ``logs/RUN/STEP.log``; a later attempt goes on in it. What Python code of this process writes to
the standard streams is kept, and the trace of a failure; what processes print that a step started is not.
"""

import io
import logging
import re
import sys
import threading
import traceback
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

from noria import owner

log = logging.getLogger("noria.run")
FOLDER = "logs"  # in the home
MOST = 1 << 20  # bytes of a step run
TAIL = 8_000  # bytes that are shown
ESCAPES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
CUT = "… what it printed after this is not kept\n"


class Log:
    """Where a step's words go; None as its file where none could be opened."""

    def __init__(self, file: io.FileIO | None) -> None:
        self._file = file
        self._last = ""

    def write(self, text: str) -> None:
        if self._file is None or self._file.closed:
            return
        try:
            left = MOST - self._file.tell()
            if left > 0:
                data = text.encode(errors="replace")
                self._file.write(data if len(data) <= left else data[:left] + f"\n{CUT}".encode())
        except OSError as error:  # a full disk fails a step by what it computes, not by what it says
            self._file.close()
            log.warning("what a step prints is no longer kept: %s", error)

    def close(self) -> None:
        if self._file is not None:
            self._file.close()

    def noting(self, progress: Callable[[str, float], None]) -> Callable[[str, float], None]:
        """The same progress, each new text of which is written down too."""

        def tell(text: str, share: float) -> None:
            if text != self._last:
                self._last = text
                self.write(f"{text}\n")
            progress(text, share)

        return tell

    def failed(self, error: BaseException) -> None:
        """Write down where it happened."""
        self.write("".join(traceback.format_exception(error)))


class _Heard:
    """A standard stream that steps at work in this process hear too; all else is the stream's own."""

    def __init__(self, under: Any) -> None:
        self.under = under

    def write(self, text: str) -> int:
        for one in tuple(_at_work):
            one.write(text)
        written: int = self.under.write(text)
        return written

    def writelines(self, lines: Iterable[str]) -> None:
        for one in lines:
            self.write(one)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.under, name)


_at_work: list[Log] = []
_lock = threading.Lock()


@contextmanager
def kept(home: Path, run: str, step: str, shard: int, attempt: int, now: datetime) -> Iterator[Log]:
    """Keep what is printed meanwhile."""
    made = Log(_opened(file_of(home, run, step, shard)))
    made.write(f"— attempt {attempt}, {owner.me()}, {now.isoformat(timespec='seconds')}\n")
    with _lock:
        _at_work.append(made)
        for name in ("stdout", "stderr"):
            stream = getattr(sys, name)
            if stream is not None and type(stream) is not _Heard:
                setattr(sys, name, _Heard(stream))
    try:
        yield made
    finally:
        with _lock:
            _at_work.remove(made)
            for name in ("stdout", "stderr"):
                stream = getattr(sys, name)
                if not _at_work and type(stream) is _Heard:
                    setattr(sys, name, stream.under)
        made.close()


def _opened(file: Path) -> io.FileIO | None:
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        return io.FileIO(file, "a")
    except OSError as error:
        log.warning("what %s prints is not kept: %s", file.stem, error)
        return None


def file_of(home: Path, run: str, step: str, shard: int = 0) -> Path:
    """Where it is kept, on the machine where the step ran."""
    return home / FOLDER / run / (f"{step}.{shard}.log" if shard else f"{step}.log")


def tail(home: Path, run: str, step: str, shard: int = 0) -> str:
    """The last of it, without what colours it; of lines that were written over, what they ended as. Empty if it ran
    elsewhere."""
    file = file_of(home, run, step, shard)
    try:
        with file.open("rb") as opened:
            opened.seek(max(0, file.stat().st_size - TAIL))
            text = ESCAPES.sub("", opened.read().decode(errors="replace"))
    except FileNotFoundError:
        return ""
    return "\n".join(line.rstrip("\r").rpartition("\r")[2] for line in text.split("\n"))
