"""Threads for gRPC: few that work, and as many as need be that wait.

Quick answers are computed on the thread that took the call, and Python runs one thread at a time: four take a call in
less time than thirty-two, which mostly hand the interpreter to each other. A call that has to wait, for the event loop
or for its client, says so (``waiting``), and another thread takes its place: slow calls keep no quick one waiting.
"""

from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future
from contextlib import contextmanager
from queue import SimpleQueue
from threading import Lock, Thread
from typing import Any

HANDS = 4  # threads that work, or wait for work
MOST = 512  # with those that wait for something else

Task = tuple["Future[Any]", Callable[..., Any], tuple[Any, ...], dict[str, Any]]


class Pool(Executor):
    """``hands`` threads take calls at any time, whatever number of others waits within ``waiting``."""

    def __init__(self, hands: int = HANDS, most: int = MOST) -> None:
        self._hands = hands
        self._most = most
        self._todo: SimpleQueue[Task] = SimpleQueue()
        self._wake: SimpleQueue[None] = SimpleQueue()
        self._lock = Lock()
        self._running = 0  # threads, those that wait among them
        self._waiting = 0
        self._resting = 0  # threads that are too many just now

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> "Future[Any]":
        found: Future[Any] = Future()
        self._todo.put((found, fn, args, kwargs))
        self._see_to_hands()
        return found

    @contextmanager
    def waiting(self) -> Iterator[None]:
        """Around what a call waits for: another thread takes calls meanwhile."""
        with self._lock:
            self._waiting += 1
        self._see_to_hands()
        try:
            yield
        finally:
            with self._lock:
                self._waiting -= 1

    def _see_to_hands(self) -> None:
        if self._running - self._waiting >= self._hands:
            return
        with self._lock:
            if self._running - self._waiting >= self._hands or self._running >= self._most:
                return
            self._running += 1
            rested = self._resting > 0
            self._resting -= rested
        if rested:
            self._wake.put(None)
        else:
            Thread(target=self._work, name="grpc", daemon=True).start()

    def _work(self) -> None:
        while True:
            _run(*self._todo.get())
            if self._running - self._waiting > self._hands and self._may_rest():
                self._wake.get()

    def _may_rest(self) -> bool:
        with self._lock:
            rests = self._running - self._waiting > self._hands
            self._running -= rests
            self._resting += rests
        return rests


def _run(future: "Future[Any]", fn: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
    if not future.set_running_or_notify_cancel():
        return
    try:
        future.set_result(fn(*args, **kwargs))
    except BaseException as error:  # it is the future's
        future.set_exception(error)
