"""A step that would take more memory than it declares ends with that sentence, before the system ends it without one.

What counts is memory that cannot be given back: files that are mapped, such as features, do not. Two things hold the
bound. The system refuses what is asked for beyond it at once, in the steps whose libraries say so in a civil way; and
a thread looks at what the step and its workers have, and interrupts it.
"""

import ctypes
import os
import resource
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from noria.errors import OutOfMemory
from noria.plan import Step

PROC = Path("/proc")
LOOK_S = 0.1
REFUSED_IN = ("tune", "train")
STACK_MB = 16  # that a thread reserves and does not use
SIGNS = ("bad_alloc", "bad allocation", "unable to allocate", "can't allocate memory", "not enough memory")


@contextmanager
def bound(step: Step) -> Iterator[None]:
    """Hold a step to its declared memory, if it declares any and the system has ``/proc``.

    Raises
    ------
    OutOfMemory
        If it needs more.
    """
    limit_mb = step.resources.memory_mb
    if limit_mb is None or not (PROC / "self" / "status").exists():
        yield
        return
    taken = _held_mb(os.getpid())
    if taken >= limit_mb:
        raise _too_much(step, f"{taken:,.0f} MiB are taken before it begins")
    watcher = _Watcher(limit_mb)
    before = resource.getrlimit(resource.RLIMIT_DATA)
    try:
        if step.name in REFUSED_IN:
            _refuse(_status_mb(os.getpid(), "VmData") + limit_mb - taken, before[1])
        watcher.start()
        try:
            yield
        finally:
            try:
                watcher.stop()
            except MemoryError:  # it interrupts what has ended by itself, as when the system refused memory before
                watcher.stop()
    except Exception as error:
        if watcher.over_mb or _is_about_memory(error):
            raise _too_much(step, f"{max(watcher.over_mb, watcher.most_mb):,.0f} MiB, and it asked for more") from error
        raise
    finally:
        resource.setrlimit(resource.RLIMIT_DATA, before)


class _Watcher(threading.Thread):
    """Interrupts the thread that made it when the process and its children hold more than the limit."""

    def __init__(self, limit_mb: int) -> None:
        super().__init__(daemon=True, name="memory")
        self.most_mb, self.over_mb = 0.0, 0.0
        self._limit_mb, self._ended = limit_mb, threading.Event()
        self._watched = threading.get_ident()

    def run(self) -> None:
        while not self._ended.wait(LOOK_S):
            held = _held_mb(os.getpid()) + sum(map(_share_mb, _children(os.getpid())))
            self.most_mb = max(self.most_mb, held)
            if held > self._limit_mb and not self._ended.is_set():
                self.over_mb = held
                ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(self._watched), ctypes.py_object(MemoryError))
                return

    def stop(self) -> None:
        """``MemoryError``, once, if it interrupted just now; it can be stopped again."""
        self._ended.set()
        self.join()


def _refuse(data_mb: float, hard: int) -> None:
    """Let the system refuse private memory beyond that."""
    wanted = int(data_mb + STACK_MB * (os.cpu_count() or 1)) << 20
    with suppress(ValueError, OSError):  # a stricter bound than ours stays
        resource.setrlimit(resource.RLIMIT_DATA, (wanted if hard < 0 else min(wanted, hard), hard))


def _is_about_memory(error: BaseException | None) -> bool:
    while error is not None:
        if isinstance(error, MemoryError) or any(sign in str(error).lower() for sign in SIGNS):
            return True
        error = error.__cause__ or error.__context__
    return False


def _too_much(step: Step, found: str) -> OutOfMemory:
    return OutOfMemory(
        f"step {step.name} needs more than the {step.resources.memory_mb:,} MiB of memory that it declares",
        where=found,
        do=f'Declare more, resources={{"{step.name}": nr.Resources(memory_mb=…)}}, or learn from mini-batches: '
        "nr.Train(batches=…).",
    )


def _held_mb(pid: int) -> float:
    """Resident memory that is no file's; 0 for a process that is gone."""
    return _status_mb(pid, "RssAnon") + _status_mb(pid, "RssShmem")


def _share_mb(pid: int) -> float:
    """The same of a process that shares some of it, as workers do that are forked: its part of each page."""
    try:
        lines = (PROC / str(pid) / "smaps_rollup").read_text().splitlines()
    except OSError:
        return 0.0
    found = [int(line.split()[1]) / 1024 for line in lines if line.startswith(("Pss_Anon:", "Pss_Shmem:"))]
    return sum(found) if found else _held_mb(pid)  # before Linux 5.9 the parts are not told apart


def _status_mb(pid: int, name: str) -> float:
    try:
        lines = (PROC / str(pid) / "status").read_text().splitlines()
    except OSError:
        return 0.0
    return next((int(line.split()[1]) / 1024 for line in lines if line.startswith(f"{name}:")), 0.0)


def _children(pid: int) -> Iterator[int]:
    """All processes that a process started, and those started by them."""
    for task in (PROC / str(pid) / "task").glob("*/children"):
        with suppress(OSError):
            for child in map(int, task.read_text().split()):
                yield child
                yield from _children(child)
