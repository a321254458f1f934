"""The access log: a line of JSON a request, never what was sent or answered; written once a second."""

import logging
import os
import sys
from datetime import UTC, datetime
from time import time
from typing import Any

import msgspec

from noria.errors import UserError

log = logging.getLogger("noria.serve")
ENCODER = msgspec.json.Encoder()
STDOUT = "-"
MOST_PATH = 500  # characters of a path: callers choose it
NAMES = ("protocol", "method", "path", "model", "version", "status", "ms", "rows", "prediction", "token")


class AccessLog:
    """All processes of a server append to one file, whole lines at a time. ``note`` is for any thread.

    Raises
    ------
    UserError
        If the file cannot be opened.
    """

    def __init__(self, file: str) -> None:
        self._lines: list[tuple[float, tuple[Any, ...]]] = []
        self._file = sys.stdout.fileno() if file == STDOUT else opened(file)
        self._complained = False

    def note(
        self, protocol: str, method: str, path: str, model: str, version: str, status: str, seconds: float,
        rows: int, prediction: str, token: str | None,
    ) -> None:  # fmt: skip
        """A request is over."""
        ms = round(1000 * seconds, 3)
        said = (protocol, method, path[:MOST_PATH], model, version, status, ms, rows, prediction, token)
        self._lines.append((time(), said))

    def quick(self, path: str, model: str, headers: list[tuple[str, str]], seconds: float, token: str | None) -> None:
        """A request was answered the quick way of REST, with these headers."""
        said = dict(headers)
        version, prediction = said["noria-model-version"], said["noria-prediction-id"]
        self.note("rest", "POST", path, model, version, "200", seconds, 1, prediction, token)

    def write(self) -> None:
        """Write what was noted; what cannot be written is gone, and the server's log says so once."""
        taken = self._lines[:]
        del self._lines[: len(taken)]  # in place: who appends at this moment holds the same list
        if not taken:
            return
        data = memoryview(b"".join(map(_line, taken)))
        try:
            while data:
                data = data[os.write(self._file, data) :]
            self._complained = False
        except OSError as error:
            if not self._complained:
                log.error("the access log cannot be written: %s", error)
            self._complained = True


def opened(file: str) -> int:
    """The file, open to append to."""
    try:
        return os.open(file, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o640)
    except OSError as error:
        raise UserError(
            f"the access log cannot be opened: {error.strerror}", where=file, do="Give another --access-log."
        ) from error


def _line(noted: tuple[float, tuple[Any, ...]]) -> bytes:
    at, said = noted
    when = datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds")
    known = {name: value for name, value in zip(NAMES, said, strict=True) if value not in ("", None)}
    return ENCODER.encode({"time": when, **known}) + b"\n"
