"""A noria command without the seconds its libraries take to load: a process that has loaded them forks itself.

One such process serves a user, a home, an interpreter and a state of the code; the first command starts it beside
itself, and it ends when nobody has needed it for a while. Where it is not there, a command is started the long way. Its
other side is ``noria/cli/warm.py``.
"""

import array
import contextlib
import hashlib
import json
import os
import signal
import socket
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

PACKAGE = Path(__file__).resolve().parent.parent
MODULE = ["-P", "-m", "noria.cli.main"]  # how an export starts noria on the machine where it was made
SERVER = ["-P", "-m", "noria.cli.warm"]
ANSWER_S = 1.0  # it answers at once, unless it is loading a library: then a command starts the long way


class Forked:
    """A command that was forked: like ``subprocess.Popen`` as far as ``Child`` needs it."""

    def __init__(self, connection: socket.socket, output: int) -> None:
        self._connection = connection
        self._lines = connection.makefile("rb")
        self.returncode: int | None = None
        try:
            self.pid = int(self._lines.readline())
        except BaseException:
            self._lines.close()
            raise
        self.stdout = open(output, "rb", buffering=0)  # noqa: SIM115  it lives as long as the command

    def poll(self) -> int | None:
        """The exit code, negative for a signal; None while it runs."""
        if self.returncode is None:
            self._connection.settimeout(0)
            with contextlib.suppress(BlockingIOError):
                self._connection.recv(1, socket.MSG_PEEK)  # the end was said, or nobody is there to say it
                return self.wait()
        return self.returncode

    def wait(self) -> int:
        """Until it has ended: the exit code. Whoever forked it may be killed: then it was killed too."""
        if self.returncode is None:
            self._connection.settimeout(None)
            line = self._line()
            self.returncode = int(line) if line else -signal.SIGKILL
            self._lines.close()
            self._connection.close()
        return self.returncode

    def _line(self) -> bytes:
        try:
            return self._lines.readline()
        except ConnectionError:
            return b""  # it was killed


def start(command: Sequence[str], folder: str | None, environment: Mapping[str, str]) -> Forked | None:
    """Fork the command from a process that is warm; None if there is none yet: one is started for the next command."""
    if list(command[1 : 1 + len(MODULE)]) != MODULE:
        return None
    try:
        address = place(Path(command[0]), environment.get("NORIA_HOME", ""))
    except OSError:
        return None  # no folder that is ours alone: the long way is always there
    order = {
        "words": list(command[1 + len(MODULE) :]),
        "folder": folder or os.getcwd(),
        "environment": dict(environment),
    }
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    connection.settimeout(ANSWER_S)
    try:
        connection.connect(str(address))
    except OSError:
        connection.close()
        _serve(command[0], address)
        return None
    return _fork(connection, order)


def _fork(connection: socket.socket, order: object) -> Forked | None:
    reads, writes = os.pipe()
    try:
        data = json.dumps(order).encode()
        rights = (socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [writes]))
        connection.sendmsg([len(data).to_bytes(4, "big")], [rights])
        connection.sendall(data)
        return Forked(connection, reads)
    except (OSError, ValueError):  # it ended just now, at the end of its time
        connection.close()
        os.close(reads)
        return None
    finally:
        os.close(writes)


def place(python: Path, home: str) -> Path:
    """The socket of the warm process for a home, an interpreter and this state of the code, in a folder of ours alone.

    Raises
    ------
    OSError
        If there is no such folder.
    """
    folder = Path(tempfile.gettempdir()) / f"noria-{os.getuid()}"
    folder.mkdir(mode=0o700, exist_ok=True)
    found = folder.lstat()
    if found.st_uid != os.getuid() or found.st_mode & 0o077:
        raise PermissionError(f"{folder} is not ours alone")
    newest = max(file.stat().st_mtime_ns for file in PACKAGE.rglob("*.py"))
    libraries = [site.stat().st_mtime_ns for site in python.parent.parent.glob("lib/python*/site-packages")]
    state = json.dumps([home, str(python), str(PACKAGE), newest, libraries])
    return folder / hashlib.sha256(state.encode()).hexdigest()[:16]


def _serve(python: str, address: Path) -> None:
    """Start the warm process; several at once are one: whoever has its lock."""
    with contextlib.suppress(OSError):
        subprocess.Popen(
            [python, *SERVER, str(address)], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL, start_new_session=True, cwd="/",
        )  # fmt: skip
