"""Worker processes that share the memory of their libraries: all are forked from one template."""

import socket
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from multiprocessing.connection import Connection, wait
from typing import Any, Generic, TypeVar

from noria.train import template
from noria.train.template import Outcome

Name = TypeVar("Name")
GONE = (EOFError, ConnectionResetError, BrokenPipeError)
PROGRAM = "import sys; from noria.train.template import main; main(int(sys.argv[1]), sys.argv[2:])"
LIBRARIES = ("torch", "xgboost")  # loaded by the template if they are loaded here: not every search needs them


class Workers(Generic[Name]):
    """Processes that are called; each does one call at a time. A worker that dies is replaced by the next call.

    Parameters
    ----------
    threads
        That each worker's libraries may use.
    """

    def __init__(self, threads: int) -> None:
        self._threads = threads
        self._busy: dict[Connection, Name] = {}
        self._idle: list[Connection] = []
        self._start()

    def __enter__(self) -> "Workers[Name]":
        return self

    def __exit__(self, *error: object) -> None:
        """End all, whatever they are doing."""
        self._control.close()
        self._template.wait()
        for one in (*self._idle, *self._busy):
            one.close()

    @property
    def busy(self) -> int:
        """How many calls are under way."""
        return len(self._busy)

    def call(self, name: Name, function: Callable[..., Any], *arguments: Any) -> None:
        """Let a worker call a function of an importable module with arguments that can be pickled."""
        worker = self._idle.pop() if self._idle else self._forked()
        with suppress(*GONE):  # a worker that died while it was idle: ``done`` tells
            worker.send((function, arguments))
        self._busy[worker] = name

    def done(self) -> list[tuple[Name, Outcome | None]]:
        """Wait until calls have ended: what each gave, None if its process died."""
        return [self._received(one) for one in wait(list(self._busy)) if isinstance(one, Connection)]

    def _received(self, worker: Connection) -> tuple[Name, Outcome | None]:
        name = self._busy.pop(worker)
        try:
            outcome: Outcome = worker.recv()
        except GONE:
            worker.close()
            return name, None
        self._idle.append(worker)
        return name, outcome

    def _forked(self) -> Connection:
        if self._template.poll() is not None:
            self._control.close()
            self._start()
        ours, theirs = socket.socketpair()
        with theirs, suppress(*GONE):  # a template that dies now: its worker is gone, and ``done`` tells
            socket.send_fds(self._control, [b"w"], [theirs.fileno()])
        return Connection(ours.detach())

    def _start(self) -> None:
        self._control, theirs = socket.socketpair()
        modules = [name for name in LIBRARIES if name in sys.modules]
        with theirs:
            self._template = subprocess.Popen(
                [sys.executable, "-c", PROGRAM, str(theirs.fileno()), *modules],
                pass_fds=[theirs.fileno()],
                env=template.environment(self._threads),
            )
