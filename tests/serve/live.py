"""A real ``noria serve`` in processes of its own, which tests may kill one by one."""

import contextlib
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

import httpx

PATIENCE_S = 60.0
ROW = {"age": 40, "amount": 50.5, "job": "clerk", "sex": "f"}


def until(holds: Callable[[], Any], what: str) -> None:
    """Until it holds.

    Raises
    ------
    TimeoutError
        If it takes longer than a minute.
    """
    end = time.monotonic() + PATIENCE_S
    while not holds():
        if time.monotonic() > end:
            raise TimeoutError(f"waited {PATIENCE_S:.0f} s for {what}")
        time.sleep(0.01)


def environ() -> dict[str, str]:
    """This environment without anybody's settings."""
    return {name: value for name, value in os.environ.items() if not name.startswith("NORIA_")}


def noria(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """A command line, run to its end."""
    return subprocess.run(
        [sys.executable, "-m", "noria.cli.main", *words],
        cwd=folder, env=environ(), capture_output=True, text=True, timeout=PATIENCE_S, check=False,
    )  # fmt: skip


class Live:
    """A server that answers. ``http`` talks to it, gRPC has the address ``grpc``; ``log()`` is what it printed."""

    def __init__(self, folder: Path, port: int = 0, workers: int = 1, options: Sequence[str] = ()) -> None:
        self._notes = tempfile.TemporaryDirectory(prefix="noria-serve-")
        self._log = Path(self._notes.name, "log")
        ready = Path(self._notes.name, "ready")
        words = ("--port", str(port), "--workers", str(workers), "--ready-file", str(ready), *options)
        with self._log.open("wb") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "noria.cli.main", "serve", *words],
                cwd=folder, env=environ(), stdout=log, stderr=log, start_new_session=True,
            )  # fmt: skip
        try:
            until(lambda: ready.exists() or self.process.poll() is not None, "the server to start")
            assert self.process.poll() is None, self.log()
        except BaseException:  # nobody else will end it
            self.kill(self.process.pid, *self.children())
            self.process.wait()
            raise
        self.url = ready.read_text().strip()
        self.port = int(self.url.rpartition(":")[2])
        self.grpc = self.log().partition("grpc://")[2].partition(" ")[0]
        self.http = httpx.Client(base_url=self.url, timeout=PATIENCE_S)

    def __enter__(self) -> "Live":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if error is not None:
            sys.stderr.write(self.log())
        self.kill(self.process.pid, *self.children())
        self.process.wait(PATIENCE_S)
        self.http.close()
        self._notes.cleanup()

    def log(self) -> str:
        return self._log.read_text(errors="replace")

    def children(self, word: str = "") -> list[int]:
        """The ids of its processes, workers and carrier; or only those whose command holds the word."""
        found = []
        with contextlib.suppress(OSError):  # processes and threads that end meanwhile
            for thread in Path(f"/proc/{self.process.pid}/task").iterdir():
                found += [int(pid) for pid in (thread / "children").read_text().split()]
        return [pid for pid in found if alive(pid) and word in command(pid)]

    def kill(self, *pids: int) -> None:
        """End processes of this server at once."""
        for pid in pids:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)

    def stop(self, sign: int = signal.SIGTERM) -> int:
        """Ask it to end; its exit code."""
        self.process.send_signal(sign)
        return self.process.wait(PATIENCE_S)

    def predict(self, *rows: dict[str, Any], version: int | None = None, **more: Any) -> httpx.Response:
        place = "/v2/models/loans" + ("" if version is None else f"/versions/{version}")
        return self.http.post(f"{place}/predict", json={"rows": list(rows) or [ROW], **more})


def command(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_text()
    except OSError:
        return ""


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False
