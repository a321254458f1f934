"""A step that would take more memory than it declares ends with that sentence."""

import subprocess
import sys
from contextlib import nullcontext
from pathlib import Path

import numpy as np
import pytest

import projects
from noria import settings
from noria.cli.main import MEMORY
from noria.errors import Failure
from noria.plan import Resources, Step
from noria.run import memory
from noria.run.place import open_place
from noria.store import runs

DECLARED = '{"train": nr.Resources(memory_mb=700), "tune": nr.Resources(memory_mb=700)}'
GREEDY = """
@loans.train
def model(params):
    return Greedy()
"""
ESTIMATOR = '''
import numpy as np
from sklearn.linear_model import LogisticRegression


class Greedy(LogisticRegression):
    """Takes a gigabyte, a part at a time or at once."""

    def fit(self, X, y, sample_weight=None):
        self.kept_ = [np.ones(4_000_000) for _ in range(40)]
        return super().fit(X, y)
'''


def held_mb() -> int:
    return int(memory._held_mb(memory.os.getpid()))


def step(word: str, more_mb: int) -> Step:
    return Step(word, resources=Resources(memory_mb=held_mb() + more_mb))


@pytest.mark.parametrize("word", ["train", "analyze"])  # by the system, and by looking
def test_who_takes_more_is_stopped_with_the_numbers(word: str) -> None:
    kept = []
    with pytest.raises(Failure, match=f"step {word} needs more than the .* MiB of memory that it declares") as caught:  # noqa: SIM117
        with memory.bound(step(word, 60)):
            for _ in range(4000):
                kept.append(np.ones(1 << 17))
    assert len(kept) < 1000
    assert f'"{word}"' in caught.value.do
    kept.clear()
    np.ones(1 << 24)  # the bound is gone with the step


def test_who_stays_within_is_let_be_and_other_errors_stay_what_they_are() -> None:
    with memory.bound(step("train", 200)):
        np.ones(1 << 20)
    with pytest.raises(ZeroDivisionError), memory.bound(step("train", 200)):
        raise ZeroDivisionError
    with memory.bound(Step("train")):
        pass


@pytest.mark.parametrize("ended_by", [None, MemoryError("refused")])
def test_an_interruption_that_comes_when_the_step_has_ended_changes_nothing(
    ended_by: Exception | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    join, late = memory._Watcher.join, [MemoryError("interrupted")]

    def interrupted(watcher: memory._Watcher) -> None:
        if late:
            raise late.pop()
        join(watcher)

    monkeypatch.setattr(memory._Watcher, "join", interrupted)
    with nullcontext() if ended_by is None else pytest.raises(Failure, match="needs more"):  # noqa: SIM117
        with memory.bound(step("train", 200)):
            if ended_by is not None:
                raise ended_by
    assert not late


def test_a_process_that_is_larger_before_the_step_begins_says_so() -> None:
    with pytest.raises(Failure, match="are taken before it begins"), memory.bound(step("train", -5)):
        pass


def test_a_library_that_says_so_in_its_own_words_is_understood() -> None:
    with pytest.raises(Failure, match="needs more"), memory.bound(step("train", 200)):
        raise RuntimeError("std::bad_alloc")


@pytest.mark.system
def test_a_run_whose_training_takes_too_much_fails_with_one_sentence(tmp_path: Path) -> None:
    file = projects.write(tmp_path / "loans")
    text = file.read_text().partition("@loans.train")[0]
    text = text.replace(
        '    "loans",\n',
        '    "loans",\n    resources={"train": nr.Resources(memory_mb=700), "tune": nr.Resources(memory_mb=700)},\n',
        1,
    )
    file.write_text(text.replace("import noria as nr", "import noria as nr\nfrom greedy import Greedy") + GREEDY)
    (file.parent / "greedy.py").write_text(ESTIMATOR)
    command = [sys.executable, "-m", "noria.cli.main", "run", str(file)]
    done = subprocess.run(command, capture_output=True, text=True, cwd=file.parent, check=False)
    said = done.stdout + done.stderr
    assert done.returncode == MEMORY, said
    assert "needs more than the 700 MiB of memory that it declares" in " ".join(said.split())
    assert "Traceback" not in said
    place = open_place(settings.load(file.parent, environ={}))
    with place.store.read() as c:
        states = {one.step: one.state for one in runs.steps(c, runs.newest(c, "loans", 1)[0].id)}
    assert states["tune"] == "failed"
