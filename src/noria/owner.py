"""Who works at a step: a process, told apart from a later one with the same number."""

import os
import signal
import socket
import sys
from collections.abc import Iterator
from pathlib import Path

MARK = "~"  # in file names; a host's name has none


def me() -> str:
    """This process as ``host/pid/start``, start in clock ticks since boot."""
    return f"{socket.gethostname()}/{os.getpid()}/{_started(os.getpid())}"


def is_gone(owner: str) -> bool:
    """True if the owner is a process of this machine that no longer runs; False if it runs or cannot be known."""
    host, pid, started = owner.rsplit("/", 2)
    return host == socket.gethostname() and _started(int(pid)) != started


def follow(parent: str | None) -> None:
    """Let this process end with the one that started it, at once, however that ends: nobody would hear of its result.

    Parameters
    ----------
    parent
        Its process id; None: this process is its own. Where the system has no such order, it lives on.
    """
    if parent is None or not sys.platform.startswith("linux"):
        return
    import ctypes  # only who is started by somebody pays for it

    ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != int(parent):  # it ended before it could be followed
        os.kill(os.getpid(), signal.SIGKILL)


PR_SET_PDEATHSIG = 1  # of prctl(2)


def prefix() -> str:
    """How the names of temporary files of this process begin, so that ``leftovers`` knows whose they are."""
    return me().replace("/", MARK) + MARK


def leftovers(folder: Path) -> Iterator[Path]:
    """Temporary files and folders whose process is gone: it was killed before it could remove them."""
    for path in folder.iterdir():
        owner = path.name.rpartition(MARK)[0].replace(MARK, "/")
        if owner.count("/") == 2 and is_gone(owner):
            yield path


def _started(pid: int) -> str:
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return _alive_without_proc(pid)
    fields = stat.rpartition(")")[2].split()
    return "gone" if fields[0] == "Z" else fields[19]


def _alive_without_proc(pid: int) -> str:
    if Path("/proc/self").exists():
        return "gone"
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return "gone"
    except PermissionError:
        return "alive"
    return "alive"
