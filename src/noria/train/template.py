"""The process that workers are forked from: libraries are loaded once, and their pages are shared by all.

Each time it is handed one end of a pair of sockets, it forks a process that answers the calls which come through it.
When nobody holds the other end of its own socket any more, it ends, and all its processes with it.

A process with threads must not be forked. So this one has none: it imports, and calls nothing. Libraries that start
threads when they are imported (polars) are left to the workers, and those that would by default are told not to
(``environment``); OpenMP starts its threads at the first parallel loop, which is run by a worker.
"""

import gc
import importlib
import os
import pickle
import random
import signal
import socket
import sys
import traceback
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from multiprocessing.connection import Connection
from typing import Any

QUIET = {"OPENBLAS_NUM_THREADS": "1", "MKL_NUM_THREADS": "1", "JE_ARROW_MALLOC_CONF": "background_thread:false"}
ALWAYS = (
    "noria.train.tune",
    "lightgbm",
    "sklearn.ensemble",
    "sklearn.linear_model",
    "sklearn.multioutput",
    "sklearn.neural_network",
    "sklearn.pipeline",
    "sklearn.preprocessing",
)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a call gave, or the error that it raised."""

    value: Any
    error: BaseException | None = None


def environment(threads: int) -> dict[str, str]:
    """What the template is started with: no threads in it, and that many for OpenMP in each worker."""
    kept = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    return {**kept, **QUIET, "OMP_NUM_THREADS": str(threads)}


def main(handle: int, modules: Iterable[str]) -> None:
    """Load, then fork a worker for each socket that is handed over."""
    control = socket.socket(fileno=handle)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # who started this one decides
    for name in (*ALWAYS, *modules):
        importlib.import_module(name)
    gc.collect()
    gc.freeze()  # the collector writes into what it looks at, and what is written to is no longer shared
    workers: set[int] = set()
    try:
        while theirs := _next(control):
            workers.add(_forked(control, theirs))
            workers -= _ended()
    finally:
        for pid in workers:  # none was waited for since, so that these numbers are still theirs
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)


def _next(control: socket.socket) -> int | None:
    _, handles, _, _ = socket.recv_fds(control, 1, 1)
    return handles[0] if handles else None


def _ended() -> set[int]:
    found: set[int] = set()
    while True:
        try:
            pid, _ = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return found
        if not pid:
            return found
        found.add(pid)


def _forked(control: socket.socket, handle: int) -> int:
    if pid := os.fork():
        os.close(handle)
        return pid
    code = 1
    try:
        control.close()
        _answer(Connection(handle))
        code = 0
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        os._exit(code)  # what the template has to do at its end is not the worker's


def _answer(calls: Connection) -> None:
    """Answer calls until nobody asks any more."""
    import numpy as np

    for name in QUIET:
        os.environ.pop(name, None)
    random.seed()
    np.random.seed()  # what users' libraries draw from: else all workers would draw the same
    while True:
        try:
            function, arguments = calls.recv()
        except (EOFError, ConnectionResetError):
            return
        calls.send(_outcome(function, arguments))


def _outcome(function: Callable[..., Any], arguments: tuple[Any, ...]) -> Outcome:
    try:
        return Outcome(function(*arguments))
    except BaseException as error:
        return Outcome(None, _sendable(error))


def _sendable(error: BaseException) -> BaseException:
    """The error, or its text where it cannot be read in another process."""
    try:
        pickle.loads(pickle.dumps(error))  # noqa: S301 - our own bytes
    except Exception:
        return RuntimeError(f"{type(error).__name__}: {error}")
    return error
