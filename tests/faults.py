"""Faults that are real: a process that ends by SIGKILL at a chosen effect or moment, a disk without space.

An effect is what the outside can see: a file opened, renamed or removed, a transaction of the store about to commit or
just committed, a commit of a Delta table before and after.
"""

import os
import shutil
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import noria.data.table
from noria.store.engine import Store

SEEN = {"open", "os.rename", "os.mkdir", "os.remove", "os.link", "shutil.rmtree", "tempfile.mkstemp"}


def tell(home: Path, event: Callable[[str], None]) -> None:
    """Call ``event`` at every effect of this process on a folder, and on stores and tables, from now on."""

    def audited(name: str, arguments: tuple[Any, ...]) -> None:
        if name in SEEN and arguments and str(arguments[0]).startswith(str(home)):
            event(f"{name} {Path(str(arguments[0])).relative_to(home)}")

    sys.addaudithook(audited)
    begin, commit = Store.begin, noria.data.table._commit

    def begin_and_tell(store: Store) -> Any:
        return Told(begin(store), event)

    def commit_and_tell(*arguments: Any) -> None:
        event("before a Delta commit")
        commit(*arguments)
        event("after a Delta commit")

    Store.begin = begin_and_tell  # type: ignore[method-assign,assignment]
    noria.data.table._commit = commit_and_tell


class Told:
    """A transaction with an event just before and just after it commits."""

    def __init__(self, inner: Any, event: Callable[[str], None]) -> None:
        self.inner, self.event = inner, event

    def __enter__(self) -> Any:
        return self.inner.__enter__()

    def __exit__(self, *error: Any) -> Any:
        self.event("before a commit")
        ended = self.inner.__exit__(*error)
        self.event("after a commit")
        return ended


def die(report: int, where: str) -> None:
    """End this process at once, having said where."""
    os.write(report, where.encode())
    os.kill(os.getpid(), signal.SIGKILL)


def begun(work: Callable[[int], None], after_s: float = 0.0) -> tuple[int, int]:
    """Start something in a process of its own, ended after ``after_s`` seconds if that is not 0.

    Parameters
    ----------
    work
        Takes a file descriptor; what it writes there is read by ``ended``.
    """
    reader, writer = os.pipe()
    process = os.fork()
    if process:
        os.close(writer)
        return process, reader
    try:
        signal.setitimer(signal.ITIMER_REAL, after_s)  # nobody handles the alarm: it ends the process at once
        work(writer)
        os._exit(0)
    except BaseException as error:
        print(f"{type(error).__name__}: {error}", file=sys.stderr, flush=True)
        os._exit(1)


def ended(process: int, reader: int) -> tuple[bool, str]:
    """Wait for it: whether it came through, and what it wrote. Ends this program if it failed without being killed."""
    with os.fdopen(reader) as pipe:
        text = pipe.read()
    _, status = os.waitpid(process, 0)
    if os.WIFEXITED(status) and os.WEXITSTATUS(status):
        raise SystemExit("a child failed that nobody had killed")
    return os.WIFEXITED(status), text


def child(work: Callable[[int], None], after_s: float = 0.0) -> tuple[bool, str]:
    """Do something in a process of its own."""
    return ended(*begun(work, after_s))


def dies_at(home: Path, number: int, work: Callable[[], object], after_s: float = 0.0) -> tuple[bool, str]:
    """Do something in a process that dies at its effect of that number (0: at none), or after a time.

    Whether it came through, and its number of effects, or where it died.
    """

    def counted(writer: int) -> None:
        seen = 0

        def event(name: str) -> None:
            nonlocal seen
            seen += 1
            if seen == number:
                die(writer, name)

        tell(home, event)
        work()
        os.write(writer, str(seen).encode())

    return child(counted, after_s)


@contextmanager
def full(disk: Path, free: int) -> Iterator[None]:
    """A file system of which so many bytes are left."""
    ballast = disk / "ballast"
    with ballast.open("wb") as file:
        os.posix_fallocate(file.fileno(), 0, shutil.disk_usage(disk).free - free)
    try:
        yield
    finally:
        ballast.unlink()
