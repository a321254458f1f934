"""A task's command: its words, its end, and that it outlives nobody who started it."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from noria.airflow.process import Child

PYTHON = sys.executable
STEP = (  # as a step begins: it follows its parent, says who it is, and works on
    "import os, time; from noria import owner; owner.follow(os.environ['NORIA_PARENT']);"
    "print('pid', os.getpid(), flush=True); time.sleep(600)"
)
DEAF = "import os, time; print('pid', os.getpid(), flush=True); time.sleep(600)"  # one that follows nobody
TASK = (
    "import sys; from noria.airflow.process import Child;"
    "Child([sys.executable, '-c', {step!r}], None, {{}}).follow(print)"
)
SUPERVISOR = "import subprocess, sys; subprocess.run([sys.executable, '-u', '-c', {task!r}])"


def follow(*words: str, environment: dict[str, str] | None = None) -> tuple[int, str, list[str]]:
    lines: list[str] = []
    code, said = Child(words, None, environment or {}).follow(lines.append)
    return code, said, lines


def until(holds: Callable[[], bool]) -> None:
    end = time.monotonic() + 60
    while not holds():
        assert time.monotonic() < end, "waited a minute"
        time.sleep(0.05)


def gone(pid: int) -> bool:
    stat = Path(f"/proc/{pid}/stat")
    return not stat.exists() or stat.read_text().rpartition(")")[2].split()[0] == "Z"


def test_lines_come_as_they_are_said_and_the_last_sentence_of_noria_is_the_message() -> None:
    script = (
        "import sys; print('one'); print('noria: it is so.', file=sys.stderr, flush=True); print('end'); sys.exit(3)"
    )
    code, said, lines = follow(PYTHON, "-u", "-c", script)
    assert (code, said) == (3, "it is so.")
    assert lines == ["one", "noria: it is so.", "end"]


def test_a_command_that_says_nothing_has_a_message_too() -> None:
    assert follow(PYTHON, "-c", "import os; os.kill(os.getpid(), 9)")[:2] == (-9, "it ended with -9 and said nothing")


def test_what_it_left_running_keeps_nobody_waiting(tmp_path: Path) -> None:
    mark = tmp_path / "pid"
    script = (
        "import subprocess, sys; p = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)']);"
        f"open({str(mark)!r}, 'w').write(str(p.pid)); print('left')"
    )
    assert follow(PYTHON, "-c", script)[0] == 0
    os.kill(int(mark.read_text()), signal.SIGKILL)


def test_ending_it_ends_all_it_started() -> None:
    script = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {DEAF!r}])"
    child = Child([PYTHON, "-c", script], None, {})
    pids: list[int] = []

    def heard(line: str) -> None:
        pids.append(int(line.split()[1]))
        child.end()

    assert child.follow(heard)[0] == -signal.SIGKILL
    until(lambda: gone(pids[0]))


@pytest.mark.parametrize(
    ("step", "killed"), [(STEP, "task"), (STEP, "supervisor"), (DEAF, "supervisor")], ids=["task", "supervisor", "deaf"]
)
def test_a_step_ends_with_its_task_and_with_who_supervises_that(step: str, killed: str) -> None:
    task = TASK.format(step=step)
    words = [PYTHON, "-u", "-c", task if killed == "task" else SUPERVISOR.format(task=task)]
    started = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    assert started.stdout is not None
    pid = int(started.stdout.readline().split()[1])
    assert not gone(pid)
    started.kill()
    started.wait()
    until(lambda: gone(pid))
    started.stdout.close()
