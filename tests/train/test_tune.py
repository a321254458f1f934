"""A study: which candidates are tried, which is the best, and what goes wrong in one."""

import os
import signal
from collections.abc import Callable
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy import sparse
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from noria.errors import UserCodeFailed
from noria.model.signature import Field, Signature
from noria.train import fit, tune
from noria.train.arrays import Files, open_part
from noria.train.config import Tune, choice, loguniform

SIGNATURE = Signature((Field("x", "number"),), ("no", "yes"), "y", "yes")
NUMBERS = count()
SPACE = {"C": loguniform(1e-4, 1e2), "penalty": choice("l1", "l2")}


def logistic(params: dict[str, Any]) -> Any:
    ratio = 1.0 if params.get("penalty") == "l1" else 0.0
    return LogisticRegression(C=params.get("C", 1.0), l1_ratio=ratio, solver="liblinear")


def part(folder: Path, name: str, seed: int, weights: Any = None) -> Files:
    random = np.random.default_rng(seed)
    y = random.integers(0, 2, 120)
    X = (random.normal(0, 1, (120, 4)) + 0.6 * y[:, None]).astype(np.float32)
    files = [str(folder / f"{what}.{name}.npy") for what in "Xyw"]
    for path, array in zip(files, (X, y, np.ones(120, dtype=np.float32) if weights is None else weights), strict=True):
        np.save(path, array)
    return Files(files[0], False, files[1], files[2])


@pytest.fixture
def job(tmp_path: Path) -> Callable[..., tune.Job]:
    def make(function: Any = logistic, metric: str = "roc_auc", weights: Any = None) -> tune.Job:
        train, validation = part(tmp_path, "train", 0, weights), part(tmp_path, "validation", 1)
        study = str(tmp_path / f"study {next(NUMBERS)}.log")
        return tune.Job(function, "classification", 0, metric, SIGNATURE, train, validation, study)

    return make


def search(how: Tune, job: tune.Job, seed: int = 0) -> list[tune.Trial]:
    return tune.search(how, job, seed, lambda text, share: None)[0]


def tried(trials: list[tune.Trial]) -> list[tuple[Any, ...]]:
    return [(one.number, tuple(sorted(one.params.items())), one.value, one.state) for one in trials]


def test_a_grid_tries_every_point_once(job: Callable[..., tune.Job]) -> None:
    found = search(Tune({"C": choice(0.01, 1.0, 10.0), "penalty": choice("l1", "l2")}, sampler="grid"), job())
    assert [one.number for one in found] == list(range(6))
    assert {(one.params["C"], one.params["penalty"]) for one in found} == {
        (c, p) for c in (0.01, 1.0, 10.0) for p in ("l1", "l2")
    }


def test_the_value_of_a_trial_is_the_metric_of_the_model_it_names(job: Callable[..., tune.Job]) -> None:
    one = job()
    for trial in search(Tune({"C": choice(0.01, 10.0)}, sampler="grid", metric="log_loss"), job(metric="log_loss")):
        train, validation = open_part(one.train), open_part(one.validation)
        model = LogisticRegression(C=trial.params["C"], solver="liblinear", random_state=0).fit(train.X, train.y)
        p = model.predict_proba(validation.X)[np.arange(120), validation.y]
        assert trial.value == pytest.approx(-np.log(p).mean(), rel=1e-5)


@pytest.mark.parametrize("sampler", ["tpe", "random"])
def test_a_search_is_the_same_with_the_same_seed_and_another_with_another(
    job: Callable[..., tune.Job], sampler: str
) -> None:
    how = Tune(SPACE, sampler=sampler, trials=12)
    first = tried(search(how, job(), seed=7))
    assert tried(search(how, job(), seed=7)) == first
    assert tried(search(how, job(), seed=8)) != first


def test_two_workers_find_what_one_finds_on_a_grid(job: Callable[..., tune.Job]) -> None:
    ranges = {"num_leaves": choice(2, 4), "n_estimators": choice(5, 10)}
    one, two = (search(Tune(ranges, sampler="grid", workers=workers), job(None)) for workers in (1, 2))
    assert tried(two) == tried(one)
    best = [tune.best(trials, Tune(), "roc_auc") for trials in (one, two)]
    assert best[0] is not None
    assert best[1] is not None
    assert best[0].params == best[1].params


@pytest.mark.parametrize(
    ("metric", "direction", "number"),
    [("roc_auc", None, 1), ("log_loss", None, 0), ("roc_auc", "minimize", 0), ("log_loss", "maximize", 1)],
)
def test_the_best_is_the_one_the_metric_prefers_the_earlier_of_two_equal_ones(
    metric: str, direction: str | None, number: int
) -> None:
    values = [0.2, 0.9, None, 0.9, 0.2]
    trials = [tune.Trial(n, {}, value, "complete", None, 0, 0) for n, value in enumerate(values)]
    best = tune.best(trials, Tune(direction=direction), metric)
    assert best is not None
    assert best.number == number
    assert tune.best(trials[2:3], Tune(), metric) is None


def test_patience_ends_a_search_that_no_longer_gets_better(job: Callable[..., tune.Job]) -> None:
    how = Tune({"C": choice(1.0)}, sampler="random", trials=50, patience=3)
    assert len(search(how, job())) == 4


def test_time_ends_a_search_once_there_is_a_result(job: Callable[..., tune.Job]) -> None:
    how = Tune({"C": choice(1.0)}, sampler="random", trials=50, timeout=1e-6)
    assert [one.state for one in search(how, job())] == ["complete"]


@pytest.mark.system
def test_a_worker_that_is_killed_loses_no_trial(job: Callable[..., tune.Job], tmp_path: Path) -> None:
    mark = str(tmp_path / "killed")

    def dies_once(params: dict[str, Any]) -> Any:
        if params["C"] == 1.0 and not os.path.exists(mark):
            with open(mark, "w"):
                os.kill(os.getpid(), signal.SIGKILL)
        return LogisticRegression(C=params["C"])

    how = Tune({"C": choice(0.1, 1.0, 10.0)}, sampler="grid", workers=2)
    found = search(how, job(dies_once))
    assert os.path.exists(mark)
    assert [(one.number, one.state) for one in found] == [(0, "complete"), (1, "complete"), (2, "complete")]
    assert all(one.seconds > 0 and one.memory_mb > 1 for one in found)


class Half:
    """Answers only half of the rows."""

    def fit(self, X: Any, y: Any) -> "Half":
        return self

    def predict(self, X: Any) -> Any:
        return np.zeros(len(X) // 2)


class Undecided(Half):
    classes_ = np.array([0, 1])

    def predict_proba(self, X: Any) -> Any:
        return np.full((len(X), 2), np.nan)


class ThreeClasses(Half):
    def predict_proba(self, X: Any) -> Any:
        return np.full((len(X), 3), 1 / 3)


def breaks(params: dict[str, Any]) -> Any:
    raise ValueError("no such luck\nand more")


@pytest.mark.parametrize(
    ("function", "said"),
    [
        (breaks, "the train function breaks raised ValueError: no such luck"),
        (lambda params: params["depth"], "raised KeyError: 'depth'"),
        (lambda params: LogisticRegression, "returned LogisticRegression, which is no unfitted estimator"),
        (lambda params: None, "returned NoneType, which is no unfitted estimator"),
        (lambda params: LogisticRegression(C=-1), "fitting LogisticRegression raised InvalidParameterError"),
        (lambda params: Half(), "cannot predict"),
        (lambda params: Undecided(), "Undecided predicts NaN for 240 rows"),
        (lambda params: ThreeClasses(), "answers of shape (120, 3) where (120, 2) is due"),
    ],
)
def test_a_candidate_that_fails_is_one_sentence_in_its_trial(
    job: Callable[..., tune.Job], function: Any, said: str
) -> None:
    [trial] = search(Tune(), job(function))
    assert (trial.state, trial.value) == ("failed", None)
    assert said in (trial.message or "")
    assert "\n" not in (trial.message or "")


def test_one_bad_candidate_does_not_end_the_search(job: Callable[..., tune.Job]) -> None:
    found = search(Tune({"C": choice(-1.0, 1.0)}, sampler="grid"), job())
    assert [one.state for one in found] == ["failed", "complete"]
    assert tune.best(found, Tune(), "roc_auc") == found[1]


def test_without_a_function_it_is_gradient_boosting_with_the_parameters(job: Callable[..., tune.Job]) -> None:
    made = fit.make(None, {"num_leaves": 4}, "classification", 5)
    assert (type(made).__name__, made.num_leaves, made.random_state) == ("LGBMClassifier", 4, 5)
    assert type(fit.make(None, {}, "regression", 5)).__name__ == "LGBMRegressor"


def test_the_seed_goes_to_every_part_that_takes_one_and_was_not_given_one() -> None:
    made = fit.make(lambda: make_pipeline(LogisticRegression()), {}, "classification", 5)
    assert made[-1].random_state == 5
    assert fit.make(lambda: LogisticRegression(random_state=1), {}, "classification", 5).random_state == 1


@pytest.mark.parametrize("wrap", [lambda e: e, lambda e: make_pipeline(StandardScaler(), e)], ids=["bare", "pipeline"])
def test_weights_reach_the_estimator(tmp_path: Path, wrap: Any) -> None:
    weights = np.where(np.arange(120) < 60, 0, 2).astype(np.float32)
    data = open_part(part(tmp_path, "train", 0, weights))
    got = fit.fit(wrap(LogisticRegression()), data, {})
    want = wrap(LogisticRegression())
    name = "logisticregression__sample_weight" if hasattr(want, "steps") else "sample_weight"
    want.fit(data.X, data.y, **{name: weights})
    assert got.predict_proba(data.X) == pytest.approx(want.predict_proba(data.X))
    assert got.predict_proba(data.X) != pytest.approx(
        wrap(LogisticRegression()).fit(data.X, data.y).predict_proba(data.X)
    )


def test_an_estimator_that_takes_no_weights_says_so(tmp_path: Path) -> None:
    data = open_part(part(tmp_path, "train", 0, np.full(120, 2, dtype=np.float32)))
    with pytest.raises(UserCodeFailed, match="sample_weight"):
        fit.fit(KNeighborsClassifier(), data, {})


def test_sparse_features_are_opened_as_they_are(tmp_path: Path) -> None:
    with (tmp_path / "X.npz").open("wb") as file:
        sparse.save_npz(file, sparse.csr_matrix(np.eye(3, dtype=np.float32)), compressed=False)
    dense = part(tmp_path, "train", 0)
    found = open_part(Files(str(tmp_path / "X.npz"), True, dense.labels, dense.weights))
    assert found.X.toarray().tolist() == np.eye(3).tolist()
