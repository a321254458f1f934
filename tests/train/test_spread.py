"""Two processes that hold half of the rows each find what one process finds."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from lightgbm import LGBMClassifier, LGBMRegressor
from sklearn.linear_model import LogisticRegression
from torch import nn

from noria.errors import BadLifecycle, UserCodeFailed
from noria.train import spread
from noria.train.arrays import Files, open_part
from noria.train.network import Torch

ROWS = 4000


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Files:
    folder, random = tmp_path_factory.mktemp("spread"), np.random.default_rng(0)
    X = random.normal(0, 1, (ROWS, 6)).astype(np.float32)
    y = (X[:, 0] + X[:, 1] * X[:, 2] + random.normal(0, 0.3, ROWS) > 0).astype(np.int64)
    files = [str(folder / f"{name}.npy") for name in "Xyw"]
    for file, array in zip(files, (X, y, np.where(y == 1, 2, 1).astype(np.float32)), strict=True):
        np.save(file, array)
    return Files(files[0], False, files[1], files[2])


def apart(one: Any, two: Any, data: Files) -> float:
    X = open_part(data).X
    said = (made.predict_proba(X) if hasattr(made, "predict_proba") else made.predict(X) for made in (one, two))
    return float(np.abs(np.subtract(*said)).max())


@pytest.mark.system
def test_torch_by_two_processes_gives_the_single_process_result(data: Files, tmp_path: Path) -> None:
    def fresh() -> Torch:
        torch.manual_seed(0)
        return Torch(nn.Sequential(nn.Linear(6, 8), nn.Tanh(), nn.Linear(8, 2)), epochs=2, random_state=3)

    part = open_part(data)
    alone = fresh().fit(part.X, part.y, part.weights)
    assert apart(spread.fit(fresh(), data, 2, tmp_path), alone, data) < 1e-3


@pytest.mark.system
@pytest.mark.parametrize(
    ("kind", "options"),
    [(LGBMClassifier, {"min_child_samples": 1, "min_child_weight": 5}), (LGBMRegressor, {})],
    ids=["classes", "values"],
)
def test_lightgbm_by_two_processes_gives_the_single_process_result(
    data: Files, tmp_path: Path, kind: Any, options: dict[str, Any]
) -> None:
    where = data
    if kind is LGBMRegressor:
        np.save(tmp_path / "y.npy", open_part(data).X[:, 0] * 3 + np.abs(open_part(data).X[:, 1]))
        where = replace(data, labels=str(tmp_path / "y.npy"), weights=str(tmp_path / "w.npy"))
        np.save(where.weights, np.ones(ROWS, np.float32))

    def fresh() -> Any:
        return kind(n_estimators=20, num_leaves=8, n_jobs=1, verbose=-1, random_state=0, **options)

    part = open_part(where)
    alone = fresh().fit(part.X, part.y, sample_weight=part.weights)
    both = spread.fit(fresh(), where, 2, tmp_path)
    assert both.get_params() == alone.get_params()
    assert apart(both, alone, where) < 1e-6


@pytest.mark.system
def test_where_lightgbm_bounds_leaves_by_rows_it_counts_them_by_their_weight_and_is_as_good(
    data: Files, tmp_path: Path
) -> None:
    """Its data-parallel learner guesses how many rows a leaf has from the sum of their second derivatives."""

    def fresh() -> LGBMClassifier:
        return LGBMClassifier(n_estimators=20, num_leaves=8, n_jobs=1, verbose=-1, random_state=0)

    part = open_part(data)
    alone = fresh().fit(part.X, part.y, sample_weight=part.weights)
    both = spread.fit(fresh(), data, 2, tmp_path)
    same = (both.predict(part.X) == alone.predict(part.X)).mean()
    right = [(one.predict(part.X) == part.y).mean() for one in (alone, both)]
    assert same > 0.98
    assert right[1] == pytest.approx(right[0], abs=0.005)


def test_what_cannot_be_spread_says_so(data: Files, tmp_path: Path) -> None:
    with pytest.raises(BadLifecycle, match="LogisticRegression cannot be trained by 2 processes"):
        spread.fit(LogisticRegression(), data, 2, tmp_path)


@pytest.mark.system
def test_a_process_that_fails_gives_its_last_words(data: Files, tmp_path: Path) -> None:
    with pytest.raises(UserCodeFailed, match="Unknown objective type name: beauty"):
        spread.fit(LGBMClassifier(objective="beauty", verbose=-1), data, 2, tmp_path)
