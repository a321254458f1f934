"""Learning from mini-batches finds what learning from all rows finds, and what is in memory is one batch."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from lightgbm import LGBMClassifier, LGBMRegressor
from scipy import sparse
from sklearn.linear_model import LogisticRegression, SGDClassifier
from sklearn.naive_bayes import GaussianNB
from xgboost import XGBClassifier

from noria.train import arrays, fit
from noria.train.arrays import Files, Part, open_part

STEADY = {"n_estimators": 10, "n_jobs": 1, "deterministic": True, "force_row_wise": True, "verbose": -1}
BY_BATCHES = """
import json, resource, sys
sys.path.insert(0, "tests")
from sklearn.naive_bayes import GaussianNB
from noria.train import fit
from noria.train.arrays import Files, open_part
from noria.run import memory
folder, limit = sys.argv[1], int(sys.argv[2])
data = open_part(Files(f"{folder}/X.npy", False, f"{folder}/y.npy", f"{folder}/w.npy"))
held = memory._status_mb(memory.os.getpid(), "VmData")
resource.setrlimit(resource.RLIMIT_DATA, (int(held + limit) << 20, int(held + limit) << 20))
how = fit.How(threads=1, memory_mb=limit) if sys.argv[3] == "batches" else fit.How(threads=1)
try:
    found = fit.fit(GaussianNB(), data, {}, how)
    right = float((found.predict(data.X[:5000]) == data.y[:5000]).mean())
except MemoryError:
    right = None
print(json.dumps({"right": right, "data_mb": data.X.nbytes >> 20}))
"""


def part(count: int = 5000, width: int = 6) -> Part:
    random = np.random.default_rng(0)
    X = random.normal(0, 1, (count, width)).astype(np.float32)
    y = (X[:, 0] + X[:, 1] > 0).astype(np.int64) * 2  # a class between them was never seen
    return Part(X, y, np.ones(count, np.float32))


@pytest.mark.parametrize("as_sparse", [False, True])
def test_lightgbm_from_chunks_is_lightgbm_from_all_rows(as_sparse: bool) -> None:
    data = part()
    weighted = Part(sparse.csr_matrix(data.X) if as_sparse else data.X, data.y, np.where(data.y > 0, 2, 1))
    whole = fit.fit(LGBMClassifier(**STEADY), weighted, {})
    chunked = fit.fit(LGBMClassifier(**STEADY), weighted, {}, fit.How(batches=700))
    assert chunked.classes_.tolist() == [0, 2]
    assert chunked.booster_.num_trees() == 10
    assert chunked.predict_proba(data.X) == pytest.approx(whole.predict_proba(data.X), abs=0.05)


def test_a_regression_from_chunks() -> None:
    data = part()
    values = Part(data.X, data.X[:, 0] * 3, data.w)
    found = fit.fit(LGBMRegressor(**STEADY), values, {}, fit.How(batches=700))
    assert np.corrcoef(found.predict(data.X), values.y)[0, 1] > 0.9


def test_partial_fit_gets_every_row_once_an_epoch_with_its_weight_and_all_classes_at_first() -> None:
    calls: list[tuple[int, float, Any]] = []

    class Counts(GaussianNB):
        def partial_fit(self, X: Any, y: Any, classes: Any = None, sample_weight: Any = None) -> Any:
            calls.append((len(X), float(np.sum(sample_weight)), None if classes is None else list(classes)))
            return super().partial_fit(X, y, classes, sample_weight)

    data = part(1000)
    weighted = Part(data.X, data.y, np.full(1000, 2, np.float32))
    found = fit.fit(Counts(), weighted, {}, fit.How(batches=300, epochs=2))
    assert [size for size, _, _ in calls] == [300, 300, 300, 100] * 2
    assert sum(weight for _, weight, _ in calls) == 4000
    assert [classes for _, _, classes in calls] == [[0, 2]] + [None] * 7
    assert (found.predict(data.X) == data.y).mean() > 0.9


def test_features_larger_than_the_declared_memory_are_learned_from_in_batches() -> None:
    data = part(300_000)
    assert fit.How(memory_mb=6).rows(data) == arrays.ROWS
    assert fit.How(memory_mb=7).rows(data) is None
    assert fit.How(memory_mb=1, batches=10).rows(data) == 10
    assert not hasattr(LogisticRegression(), "partial_fit")


@pytest.mark.system
def test_a_data_set_of_four_times_the_memory_trains_by_batches_and_not_without(tmp_path: Path) -> None:
    limit_mb, width = 40, 64
    count = 4 * (limit_mb << 20) // (width * 4)
    X = np.lib.format.open_memmap(tmp_path / "X.npy", "w+", np.float32, (count, width))
    random, y = np.random.default_rng(0), np.empty(count, np.int64)
    for some in arrays.chunks(count):
        X[some] = random.standard_normal((some.stop - some.start, width), dtype=np.float32)
        y[some] = X[some][:, 0] > 0
    X.flush()
    np.save(tmp_path / "y.npy", y)
    np.save(tmp_path / "w.npy", np.ones(count, np.float32))
    found = {}
    for way in ("batches", "whole"):
        command = [sys.executable, "-c", BY_BATCHES, str(tmp_path), str(limit_mb), way]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        found[way] = json.loads(done.stdout)
    assert found["batches"]["data_mb"] == 4 * limit_mb
    assert found["batches"]["right"] > 0.9
    assert found["whole"]["right"] is None


@pytest.mark.parametrize("matrix", [np.eye(3), np.zeros((2, 4)), np.arange(12).reshape(4, 3) % 5], ids=str)
def test_a_csr_matrix_is_mapped_as_it_was_saved(tmp_path: Path, matrix: Any) -> None:
    kept = sparse.csr_matrix(matrix.astype(np.float32))
    with (tmp_path / "X.npz").open("wb") as file:
        sparse.save_npz(file, kept, compressed=False)
    np.save(tmp_path / "y.npy", np.zeros(len(matrix)))
    found = open_part(Files(str(tmp_path / "X.npz"), True, str(tmp_path / "y.npy"), str(tmp_path / "y.npy"))).X
    assert (found != kept).nnz == 0
    assert found.dtype == np.float32
    assert kept.nnz == 0 or not found.data.flags.writeable, "a copy could be written to"


def test_sgd_by_batches_learns_from_csr() -> None:
    data = part()
    found = fit.fit(
        SGDClassifier(random_state=0), Part(sparse.csr_matrix(data.X), data.y, data.w), {}, fit.How(batches=500)
    )
    assert (found.predict(data.X) == data.y).mean() > 0.9


def test_xgboost_takes_labels_with_a_gap_and_looks_at_no_row_without_weight() -> None:
    data = part()
    weight = np.where(data.X[:, 2] > 0, 2, 0).astype(np.float32)
    wrong = np.where(weight > 0, data.y, 2 - data.y)
    found, same = (
        fit.fit(XGBClassifier(n_estimators=10, n_jobs=1), Part(data.X, y, weight), {}) for y in (data.y, wrong)
    )
    assert found.classes_.tolist() == [0, 2]
    assert (found.predict(data.X) == data.y).mean() > 0.9
    assert found.predict_proba(data.X) == pytest.approx(same.predict_proba(data.X), abs=1e-5)
