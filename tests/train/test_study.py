"""Trials that are done stay done, whoever is killed; a search can prune, skip and be looked at."""

import json
import random
import signal
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import optuna
import pytest

from noria.errors import BadLifecycle, UserCodeFailed
from noria.train.config import Tune, choice, integer, uniform
from noria.train.study import Asked, Study, running
from noria.train.trial import Trial

SEARCHING = Path(__file__).with_name("searching.py")


def arrays(folder: Path) -> None:
    random = np.random.default_rng(0)
    for name in ("train", "validation"):
        y = random.integers(0, 2, 200)
        np.save(folder / f"X.{name}.npy", (random.normal(0, 1, (200, 4)) + 0.5 * y[:, None]).astype(np.float32))
        np.save(folder / f"y.{name}.npy", y)
        np.save(folder / f"w.{name}.npy", np.ones(200, np.float32))


def searched(folder: Path, study: Path, at: int, where: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, str(SEARCHING), str(study), str(folder), str(at), where]
    return subprocess.run(command, capture_output=True, text=True, check=False)


@pytest.mark.system
def test_a_search_that_is_killed_makes_the_trials_of_one_that_is_not(tmp_path: Path) -> None:
    arrays(tmp_path)
    (tmp_path / "calm").mkdir()
    (tmp_path / "killed").mkdir()
    calm = searched(tmp_path, tmp_path / "calm" / "study.log", -1, "never")
    assert calm.returncode == 0, calm.stderr
    study = tmp_path / "killed" / "study.log"
    seed = random.randrange(1000)
    dice = random.Random(seed)
    last = len(json.loads(calm.stdout))
    for at, where in zip(sorted(dice.sample(range(last), 3)), dice.sample(["ask", "fit", "tell"], 3), strict=True):
        done = searched(tmp_path, study, at, where)
        assert done.returncode == -signal.SIGKILL, (seed, at, where, done.stderr)
    end = searched(tmp_path, study, -1, "never")
    assert end.returncode == 0, end.stderr
    assert json.loads(end.stdout) == json.loads(calm.stdout), seed
    assert "pruned" in {one["state"] for one in json.loads(end.stdout)}
    fits = Counter((tmp_path / "killed" / "fits").read_text().split())
    assert set(fits) == {str(number) for number in range(last)}
    assert sum(fits.values()) <= last + 2, "only what was under way at a kill is done again"


def made(number: int, value: float | None, state: str = "complete") -> Trial:
    return Trial(number, {}, value, state, None, 1.5, 100.0)


def study(file: Path, **options: Any) -> Study:
    return Study(file, Tune({"a": uniform(0, 1)}, **{"sampler": "random", **options}), "maximize", 0)


def test_a_study_is_read_back_as_it_was_told_and_begins_anew_when_it_is_finished(tmp_path: Path) -> None:
    file = tmp_path / "study.log"
    first = study(file)
    for value in (0.5, None):
        asked = first.ask()
        state = "complete" if value is not None else "failed"
        first.tell(Trial(asked.number, asked.params, value, state, "said", 1.5, 100.0, {1: 0.25}))
    assert study(file).done() == first.done()
    assert first.done()[0].value == 0.5
    assert (first.done()[1].state, first.done()[1].memory_mb, first.done()[1].reported) == ("failed", 100.0, {1: 0.25})
    first.finish()
    assert study(file).done() == []


def test_a_line_that_was_cut_by_a_crash_is_left_out(tmp_path: Path) -> None:
    file = tmp_path / "study.log"
    first = study(file)
    first.tell(made(first.ask().number, 0.5))
    with file.open("ab") as journal:
        journal.write(b'{"op_code":4,"wor')
    again = study(file)
    assert [one.value for one in again.done()] == [0.5]
    again.tell(made(again.ask().number, 0.75))
    assert [one.value for one in study(file).done()] == [0.5, 0.75]


def test_what_was_begun_and_not_told_is_asked_again_the_same(tmp_path: Path) -> None:
    file = tmp_path / "study.log"
    begun = study(file).ask()
    assert list(study(file).left()) == [begun]


def test_points_that_the_rule_forbids_are_not_tried_and_none_left_is_one_sentence(tmp_path: Path) -> None:
    low = study(tmp_path / "low.log", feasible=lambda params: params["a"] < 0.1)
    assert all(low.ask().params["a"] < 0.1 for _ in range(5))
    assert {one.state for one in low.done()} == {"infeasible"}
    with pytest.raises(BadLifecycle, match="of the space is feasible"):
        study(tmp_path / "none.log", feasible=lambda params: False).ask()
    nothing = Tune({"a": choice(1, 2)}, sampler="grid", feasible=lambda params: params["a"] > 2)
    with pytest.raises(BadLifecycle, match="no point of the space is feasible"):
        Study(tmp_path / "grid.log", nothing, "maximize", 0)
    with pytest.raises(UserCodeFailed, match="KeyError"):
        study(tmp_path / "wrong.log", feasible=lambda params: params["b"]).ask()


def test_a_trial_that_falls_behind_the_others_is_told_so(tmp_path: Path) -> None:
    file = tmp_path / "study.log"
    kept = study(file, pruner="median")
    for _ in range(6):
        asked = kept.ask()
        good = running(str(file), "median", asked)
        good.report(0.9, step=1)
        assert not good.should_prune()
        kept.tell(Trial(asked.number, asked.params, 0.9, "complete", None, 1, 1, good.reported))
    bad = running(str(file), "median", kept.ask())
    with pytest.raises(optuna.TrialPruned):
        bad.check(0.1, step=1)


def test_without_a_pruner_a_report_ends_nothing() -> None:
    trial = running("nowhere", None, Asked(0, {}))
    trial.check(0.0, step=1)
    assert trial.reported == {1: 0.0}
    with pytest.raises(UserCodeFailed, match="Count steps from 0"):
        trial.report(1.0, step=-1)


@pytest.mark.parametrize("sampler", ["tpe", "random", "gp"])
def test_a_trial_depends_on_the_seed_its_number_and_those_before_only(tmp_path: Path, sampler: str) -> None:
    def points(file: Path, stops: set[int]) -> list[dict[str, Any]]:
        how = Tune({"a": uniform(0, 1), "b": integer(1, 9)}, sampler=sampler)
        kept, found = Study(file, how, "maximize", 0), []
        for number in range(13):
            if number in stops:
                kept = Study(file, how, "maximize", 0)
            asked = kept.ask()
            kept.tell(made(asked.number, -((asked.params["a"] - 0.3) ** 2)))
            found.append(asked.params)
        return found

    assert points(tmp_path / "one.log", set()) == points(tmp_path / "two.log", {3, 11, 12})


def test_the_dashboard_opens_a_study(tmp_path: Path) -> None:
    from optuna.storages import JournalStorage
    from optuna.storages.journal import JournalFileBackend
    from optuna_dashboard import wsgi

    kept = study(tmp_path / "study.log")
    kept.tell(made(kept.ask().number, 0.5))
    app = wsgi(JournalStorage(JournalFileBackend(str(tmp_path / "study.log"))))
    status: list[str] = []
    environ = {"REQUEST_METHOD": "GET", "PATH_INFO": "/api/studies", "SERVER_NAME": "here", "SERVER_PORT": "80",
               "wsgi.url_scheme": "http", "wsgi.input": None, "wsgi.errors": sys.stderr}  # fmt: skip
    body = b"".join(app(environ, lambda said, headers, error=None: status.append(said)))
    assert status == ["200 OK"]
    assert [one["study_name"] for one in json.loads(body)["study_summaries"]] == ["study"]
