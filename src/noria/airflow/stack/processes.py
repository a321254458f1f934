"""Processes of a stack: started in groups of their own, known by number and start, ended by group."""

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

GONE_S = 5  # that a killed group may take to be gone
MARK = "NORIA_STACK"  # in the environment of every process of a stack: its folder


@dataclass(frozen=True, slots=True)
class Running:
    """A process, told apart from a later one with the same number by its start (clock ticks since boot)."""

    pid: int
    start: str

    @property
    def alive(self) -> bool:
        return start_of(self.pid) == self.start


def start_of(pid: int) -> str | None:
    """When a process began; None if it has ended."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None
    return None if fields[0] in "ZX" else fields[19]


def start(
    words: Sequence[str], *, log: Path, environment: Mapping[str, str], cwd: Path, account: Mapping[str, Any]
) -> Running:
    """Start a program as the leader of a new session, its output at the end of ``log``."""
    with log.open("ab") as out:
        process = subprocess.Popen(
            list(words), stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.STDOUT, env=dict(environment),
            cwd=cwd, start_new_session=True, **account,
        )  # fmt: skip
    return Running(process.pid, start_of(process.pid) or "")


def reap() -> None:
    """Let children that have ended go."""
    with contextlib.suppress(ChildProcessError):
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass


def marked(root: Path) -> Iterator[tuple[int, int]]:
    """Every living process of the stack in ``root``: its number and its group's."""
    wanted = f"{MARK}={root}".encode()
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal() and int(entry.name) != os.getpid():
            try:
                if wanted in (entry / "environ").read_bytes().split(b"\0") and start_of(int(entry.name)):
                    yield int(entry.name), os.getpgid(int(entry.name))
            except OSError:  # it has ended meanwhile, or is somebody else's
                continue


def end_group(group: int, root: Path) -> None:
    """Kill what is left of a group whose leader is gone, if it is this stack's: children that outlived it."""
    end = time.monotonic() + GONE_S
    while any(its == group for _, its in marked(root)) and time.monotonic() < end:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(group, signal.SIGKILL)
        time.sleep(0.02)


def stop(running: Iterable[Running], seconds: float, ask: signal.Signals = signal.SIGTERM) -> None:
    """End processes with their groups: asked first, killed when ``seconds`` are over."""
    left = [one for one in running if one.alive]
    for one in left:
        _signal(one, ask)
    end = time.monotonic() + seconds
    while any(one.alive for one in left) and time.monotonic() < end:
        reap()
        time.sleep(0.05)
    for one in left:
        _signal(one, signal.SIGKILL)


def sweep(root: Path) -> list[int]:
    """Kill every process that still carries the stack's mark, such as children of a part that was killed."""
    killed = []
    for pid, _ in marked(root):
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
            killed.append(pid)
    return killed


def _signal(one: Running, number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(one.pid, number)
