"""The process behind ``noria.airflow.warm``: it has loaded what steps need, and forks one command for each order.

python -P -m noria.cli.warm SOCKET
"""

import array
import ctypes
import fcntl
import gc
import json
import os
import select
import signal
import socket
import sys
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

IDLE_S = 900.0
PR_SET_PDEATHSIG = 1  # of prctl(2)
SOON = ("noria.cli.main", "noria.cli.step", "noria.cli.airflow", "noria.run.orchestrate")
LATER = (  # while nobody asks for anything; what is not installed is not needed
    *("noria.collect.step", "noria.validate.step", "noria.preprocess.step", "noria.train.step", "noria.analyze.step"),
    *("noria.release.step", "noria.serve.deploy_step", "noria.feedback.step", "noria.train.tune_step"),
    *("sklearn.pipeline", "sklearn.compose", "sklearn.preprocessing", "sklearn.linear_model", "sklearn.ensemble"),
    *("sqlalchemy.dialects.postgresql", "sqlalchemy.dialects.sqlite", "psycopg", "sqlalchemy.dialects.sqlite.pysqlite"),
    *("optuna", "onnxruntime", "skl2onnx", "altair", "fairlearn.metrics", "lightgbm", "skops.io", "vl_convert"),
    "typer._adapters",  # typer itself loads it for its first command
)


@dataclass(frozen=True, slots=True)
class Order:
    """One command: its words, where and with which environment it runs, and what its output goes to."""

    words: list[str]
    folder: str
    environment: dict[str, str]
    output: int


class Server:
    """Takes orders on a socket; its children are the commands."""

    def __init__(self, listener: socket.socket) -> None:
        self.listener = listener
        self.children: dict[int, socket.socket] = {}
        self.woken, wakes = os.pipe()
        os.set_blocking(self.woken, False)
        os.set_blocking(wakes, False)
        signal.signal(signal.SIGCHLD, lambda number, frame: None)
        signal.set_wakeup_fd(wakes)

    def serve(self) -> None:
        """Until nobody asked for ``IDLE_S``."""
        rest, loading = _load(LATER), True
        while True:
            watched: list[Any] = [self.listener, self.woken, *self.children.values()]
            ready, _, _ = select.select(watched, [], [], 0 if loading else IDLE_S)
            if not ready and loading:
                loading = next(rest, None) is not None
                if not loading:
                    gc.freeze()  # what is loaded stays shared with the children
            elif not ready and not self.children:
                return
            self._reap()
            for pid, connection in list(self.children.items()):
                if connection in ready:  # nothing is said after the order: whoever gave it is gone
                    _end(pid)
            if self.listener in ready:
                self._take()

    def _take(self) -> None:
        connection, _ = self.listener.accept()
        try:
            order = _read(connection)
            _must_wait(connection)
        except (OSError, ValueError, KeyError):
            connection.close()
            return
        pid = os.fork()
        if pid == 0:
            self._become(order, connection)
        os.close(order.output)
        self.children[pid] = connection

    def _become(self, order: Order, connection: socket.socket) -> None:
        """In the child: be the command, and end."""
        code = 1
        try:
            os.setsid()
            _say(connection, os.getpid())  # not before: whoever ends it ends its group
            parent = os.getppid()
            ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
            signal.set_wakeup_fd(-1)
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            for held in (self.listener, connection, *self.children.values()):
                held.close()
            os.dup2(order.output, 1)
            os.dup2(order.output, 2)
            os.environ.clear()
            os.environ.update(order.environment)
            os.chdir(order.folder)
            sys.stdout.reconfigure(line_buffering=True)  # type: ignore[union-attr]
            if os.getppid() == parent:
                code = _run(order.words)
        finally:
            with suppress(OSError):
                sys.stdout.flush()
                sys.stderr.flush()
            os._exit(code)

    def _reap(self) -> None:
        with suppress(BlockingIOError):
            os.read(self.woken, 4096)
        with suppress(ChildProcessError):
            while (found := os.waitpid(-1, os.WNOHANG))[0]:
                connection = self.children.pop(found[0], None)
                if connection is not None:
                    _say(connection, os.waitstatus_to_exitcode(found[1]))
                    connection.close()


def _run(words: list[str]) -> int:
    from noria.cli.main import main

    sys.argv = ["noria", *words]
    return main(words)


def _load(names: tuple[str, ...]) -> Iterator[str]:
    for name in names:
        with suppress(ImportError):
            import_module(name)
        yield name


def _read(connection: socket.socket) -> Order:
    connection.settimeout(5)
    head, rights, _, _ = connection.recvmsg(4, socket.CMSG_SPACE(4))
    passed = array.array("i")
    for level, kind, data in rights:
        if (level, kind) == (socket.SOL_SOCKET, socket.SCM_RIGHTS):
            passed.frombytes(data[: len(data) - len(data) % passed.itemsize])
    [output] = passed
    size, data = int.from_bytes(head, "big"), b""
    while len(data) < size and (more := connection.recv(size - len(data))):
        data += more
    raw: dict[str, Any] = json.loads(data)
    return Order(raw["words"], raw["folder"], raw["environment"], output)


def _must_wait(connection: socket.socket) -> None:
    """``ConnectionError`` if whoever gave the order has given it up meanwhile."""
    connection.setblocking(False)
    with suppress(BlockingIOError):
        if not connection.recv(1, socket.MSG_PEEK):
            raise ConnectionAbortedError
    connection.setblocking(True)


def _say(connection: socket.socket, number: int) -> None:
    with suppress(OSError):  # whoever gave the order is gone
        connection.sendall(f"{number}\n".encode())


def _end(pid: int) -> None:
    with suppress(ProcessLookupError):
        os.killpg(pid, signal.SIGKILL)


def main(address: str) -> int:
    with open(f"{address}.lock", "w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return 0
        for _ in _load(SOON):
            pass
        Path(address).unlink(missing_ok=True)
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as listener:
            listener.bind(address)
            listener.listen(64)
            Server(listener).serve()
        Path(address).unlink(missing_ok=True)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
