"""A command forked from a warm process is like one that was started: output, exit code, and when it must end."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from airflow.celery import parent, wait_until
from noria.airflow import warm
from noria.airflow.process import Child

NORIA = [sys.executable, *warm.MODULE]
STARTS = "import sys; sys.path[:0] = {path!r}\nfrom noria.airflow.process import Child\n"


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A home with a warm process of its own, which is ended with the test."""
    monkeypatch.setenv("NORIA_HOME", str(tmp_path))
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    address = warm.place(Path(sys.executable), str(tmp_path))
    server = subprocess.Popen([sys.executable, *warm.SERVER, str(address)])
    try:
        wait_until(address.exists, "the warm process")
        yield tmp_path
    finally:
        server.kill()
        server.wait()


def forked(words: list[str], folder: Path) -> Child:
    """A command that was forked; while the warm process loads, commands are started the long way."""
    found: list[Child] = []

    def is_forked() -> bool:
        child = Child([*NORIA, *words], str(folder), {})
        if isinstance(child._process, warm.Forked):
            found.append(child)
            return True
        child.end()
        return False

    wait_until(is_forked, "a command to be forked")
    return found[0]


def test_it_says_the_same_and_ends_with_the_same_code(home: Path) -> None:
    for words in (["--version"], ["step", "none-1", "train"], ["nonsense"]):
        lines: list[str] = []
        code, said = forked(words, home).follow(lines.append)
        plain = subprocess.run([*NORIA, *words], cwd=home, capture_output=True, text=True, check=False)
        assert code == plain.returncode
        assert lines == (plain.stdout + plain.stderr).splitlines()
        assert said in (plain.stdout + plain.stderr)


def at_work(home: Path) -> Child:
    """A command that goes on until it is ended."""
    (home / "noria.db").touch()
    return forked(["ui", "--port", "0"], home)


def test_it_ends_when_it_is_told_to(home: Path) -> None:
    child = at_work(home)
    assert parent(child._process.pid)
    child.end()
    assert child._process.wait() == -signal.SIGKILL
    assert not parent(child._process.pid)


def gone_with_starter(home: Path, kill: Callable[[int], None]) -> None:
    code = STARTS.format(path=[str(Path(warm.__file__).parents[2])]) + (
        "import os\n"
        f"child = Child({[*NORIA, 'ui', '--port', '0']!r}, {str(home)!r}, {{}})\n"
        "print(type(child._process).__name__, child._process.pid, flush=True)\n"
        "child.follow(lambda line: None)\n"
    )
    environment = {**os.environ, "TMPDIR": str(home)}
    while True:
        starter = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True, env=environment)
        assert starter.stdout is not None
        kind, pid = starter.stdout.readline().split()
        if kind == "Forked":
            break
        starter.kill()
        starter.wait()
        time.sleep(0.2)
    kill(starter.pid)
    starter.wait()
    wait_until(lambda: not parent(int(pid)), "the command to end with its starter")


def test_it_ends_with_whoever_started_it(home: Path) -> None:
    gone_with_starter(home, lambda pid: os.kill(pid, signal.SIGKILL))


def test_it_is_lost_with_the_warm_process_and_that_is_a_kill(home: Path) -> None:
    child = at_work(home)
    os.kill(parent(child._process.pid), signal.SIGKILL)
    code, _ = child.follow(lambda line: None)
    assert code == -signal.SIGKILL
    wait_until(lambda: not parent(child._process.pid), "the command to end")


def test_another_command_and_a_folder_of_others_go_the_long_way(home: Path) -> None:
    assert warm.start(["true"], None, {}) is None
    (home / f"noria-{os.getuid()}").chmod(0o755)
    assert warm.start([*NORIA, "--version"], str(home), {"NORIA_HOME": str(home)}) is None
