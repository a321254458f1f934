"""``noria ui`` and ``noria serve --ui`` as processes: who is let in, and that pages end with the server beside them."""

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest

from .chromium import PATIENCE_S

COMMAND = [sys.executable, "-m", "noria.cli.main"]


def until(holds: Callable[[], object], process: subprocess.Popen[bytes], seconds: float = PATIENCE_S) -> None:
    end = time.monotonic() + seconds
    while not holds():
        assert process.poll() in (None, 0), "it ended by itself"
        assert time.monotonic() < end
        time.sleep(0.1)


def answers(address: str) -> bool:
    try:
        return httpx.get(address, timeout=PATIENCE_S).status_code == 200
    except httpx.TransportError:
        return False


@pytest.mark.system
def test_pages_beside_a_server_live_as_long_as_it(turned: Path, tmp_path: Path) -> None:
    folder = tmp_path / "mine"
    shutil.copytree(turned, folder)
    ready = folder / ".noria" / "at"
    words = ["serve", "--ui", "--port", "0", "--ui-port", "0", "--no-grpc", "--ready-file", str(ready)]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen([*COMMAND, *words], cwd=folder, stdout=log, stderr=log)
    try:
        pages = ready.with_name("at.ui")
        until(lambda: ready.exists() and pages.exists(), process)
        address = pages.read_text()
        assert "loans" in httpx.get(address, timeout=PATIENCE_S).text
        assert httpx.get(f"{ready.read_text().strip()}/v2/health/ready", timeout=PATIENCE_S).status_code == 200
        os.kill(process.pid, signal.SIGTERM)
        until(lambda: not answers(address), process)
    finally:
        process.terminate()
        process.wait(PATIENCE_S)


def test_other_machines_are_not_let_in_without_a_token(turned: Path) -> None:
    done = subprocess.run(
        [*COMMAND, "ui", "--host", "0.0.0.0", "--port", "0"], cwd=turned, capture_output=True, text=True
    )
    assert done.returncode == 2
    assert "no token holds" in done.stderr


def test_a_port_that_is_taken_and_a_folder_without_a_project_are_told(turned: Path, tmp_path: Path) -> None:
    import socket

    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        words = ["ui", "--port", str(taken.getsockname()[1])]
        done = subprocess.run([*COMMAND, *words], cwd=turned, capture_output=True, text=True)
    assert (done.returncode, "cannot be used" in done.stderr) == (2, True)
    nothing = subprocess.run([*COMMAND, "ui"], cwd=tmp_path, capture_output=True, text=True)
    assert (nothing.returncode, "no noria home here" in nothing.stderr) == (2, True)
