"""A turn in a process of its own: what a library or the user's code does to it, it does not do to the watch.

The process does not outlive the watch, and goes on where it stopped when it is started again.
"""

import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from noria.feedback.trigger import Call
from noria.run.evidence import mark_of

PARENT = "NORIA_PARENT"
LOOK_S = 0.2
GRACE_S = 20.0  # to put on record what was interrupted
SAYS = "noria: "


@dataclass(frozen=True, slots=True)
class Ended:
    """How a turn's process ended: its exit code (None: it was interrupted), and the sentence that it said last."""

    code: int | None
    said: str


def turn(file: Path, call: Call, home: Path, ended: Callable[[], bool]) -> Ended:
    """Turn the wheel because of a call.

    Parameters
    ----------
    home
        The noria home, for what the process prints.
    ended
        Asked again and again: whether to interrupt it.
    """
    words = ["run", str(file), "--json", "--trigger", call.trigger, "--why", call.why, "--mark", mark_of(call.mark)]
    command = [sys.executable, "-m", "noria.cli.main", *words]
    home.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryFile(dir=home) as log:
        process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=log, start_new_session=True,
            env={**os.environ, PARENT: str(os.getpid())},
        )  # fmt: skip
        try:
            while True:
                with suppress(subprocess.TimeoutExpired):
                    code = process.wait(LOOK_S)
                    return Ended(code, _last(log.fileno(), code))
                if ended():
                    return Ended(None, "it was interrupted, and goes on when the watch does")
        finally:
            _end(process)


def _end(process: "subprocess.Popen[bytes]") -> None:
    """Interrupt it, and all it started, if it still runs."""
    if process.poll() is not None:
        return
    for sign, patience in ((signal.SIGINT, GRACE_S), (signal.SIGKILL, None)):
        with suppress(ProcessLookupError):
            os.killpg(process.pid, sign)
        with suppress(subprocess.TimeoutExpired):
            process.wait(patience)
            return


def _last(log: int, code: int) -> str:
    text = os.pread(log, 1 << 20, 0).decode(errors="replace")
    lines = [line for line in text.splitlines() if line.startswith(SAYS)]
    return lines[-1].removeprefix(SAYS) if lines else "" if code == 0 else f"it ended with {code} and said nothing"
