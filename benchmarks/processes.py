"""Whole processes: how they are started, timed and ended, and what their trees take of processor and memory.

Each is started in a session of its own, which its children share whoever adopts them: a tree is all of a session.
"""

import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from time import perf_counter

from benchmarks.measure import Trouble

PROC = Path("/proc")
NORIA = str(Path(sys.executable).with_name("noria"))
TICKS = os.sysconf("SC_CLK_TCK")
SAMPLE_S = 0.2
PATIENCE_S = 20.0
UNTOLD = ("PYTHON", "NORIA_", "VIRTUAL_ENV", "KEDRO_", "DVC_")  # what a user's shell would not hold
QUIET = {"DO_NOT_TRACK": "1", "KEDRO_DISABLE_TELEMETRY": "1", "DVC_NO_ANALYTICS": "1"}  # no peer waits for a network


def environment(folder: Path) -> dict[str, str]:
    """The surroundings of a measured process: home and temporary files in ``folder``, no settings of the caller's."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(UNTOLD)}
    for name in ("home", "tmp"):
        (folder / name).mkdir(exist_ok=True)
    return {**kept, **QUIET, "HOME": str(folder / "home"), "TMPDIR": str(folder / "tmp")}


def seconds(command: Sequence[str], cwd: Path, env: Mapping[str, str]) -> float:
    """How long a whole process takes; ``Trouble`` if it does not end well."""
    began = perf_counter()
    done = subprocess.run(command, cwd=cwd, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, check=False)
    took = perf_counter() - began
    if done.returncode:
        raise Trouble(said(Path(command[0]).name, done.returncode, done.stderr.decode(errors="replace")))
    return took


def said(name: str, code: int, text: str) -> str:
    """Why a process failed, in one line without places outside the repository."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    causes = [line for line in lines if re.match(r"ERROR|[\w.]*(Error|Exception)\b", line)]
    chosen = (causes or lines or ["it said nothing"])[-1]
    chosen = re.sub(r"\w+://\S+", "…", chosen)
    chosen = re.sub(r"(?<![\w.])/[^\s'\",:]+", "…", chosen)
    return f"{name} ended with {code}: {chosen[:100]}"


@contextmanager
def running(
    command: Sequence[str], cwd: Path, env: Mapping[str, str], log: Path, cpu: int | None = None
) -> Iterator["subprocess.Popen[bytes]"]:
    """A process in a session of its own, on one processor if ``cpu`` says so; its whole tree is ended afterwards."""

    def pin() -> None:
        if cpu is not None:
            os.sched_setaffinity(0, {cpu})

    with log.open("wb") as file:
        process = subprocess.Popen(
            command, cwd=cwd, env=env, stdout=file, stderr=file, start_new_session=True, preexec_fn=pin
        )
    try:
        yield process
    finally:
        process.terminate()
        with suppress(subprocess.TimeoutExpired):
            process.wait(PATIENCE_S)
        for pid in tree(process.pid):
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        process.wait()


def tree(session: int) -> list[int]:
    """All processes of a session."""
    if not PROC.exists():
        raise Trouble("a process tree can only be measured on Linux")
    found = [int(entry.name) for entry in PROC.iterdir() if entry.name.isdecimal()]
    return [pid for pid in found if _fields(pid)[3:4] == [str(session)]]


def cpu_seconds(session: int) -> float:
    """Processor time that a session's living processes, and their children that ended, have taken."""
    return sum(int(ticks) for pid in tree(session) for ticks in _fields(pid)[11:15]) / TICKS


def memory_mb(session: int) -> float:
    """Memory of a session in MB: each page once, shared ones in parts (PSS)."""
    return memory_of(tree(session))


def memory_of(pids: Iterable[int]) -> float:
    """The same of these processes."""
    return sum(map(_pss_kb, pids)) * 1024 / 1e6


def same_program(session: int) -> list[int]:
    """The processes of a session that run the program of its first, whose workers they are."""
    own = _command(session)
    return [pid for pid in tree(session) if pid != session and _command(pid) == own]


class Peak:
    """The most memory that a session takes while the ``with`` block runs, sampled; ``mb`` is the result."""

    def __init__(self, session: int) -> None:
        self.mb = 0.0
        self._session = session
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._sample, daemon=True)

    def __enter__(self) -> "Peak":
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._stop.set()
        self._thread.join()

    def _sample(self) -> None:
        while not self._stop.wait(SAMPLE_S):
            self.mb = max(self.mb, memory_mb(self._session))


def _fields(pid: int) -> list[str]:
    """What follows the name in ``stat``: state, parent, group, session, …; nothing if the process is gone."""
    try:
        return (PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()
    except OSError:
        return []


def _command(pid: int) -> bytes:
    try:
        return (PROC / str(pid) / "cmdline").read_bytes()
    except OSError:
        return b""


def _pss_kb(pid: int) -> int:
    try:
        text = (PROC / str(pid) / "smaps_rollup").read_text()
    except OSError:
        return 0
    found = re.search(r"^Pss:\s+(\d+) kB", text, re.MULTILINE)
    return 0 if found is None else int(found[1])
