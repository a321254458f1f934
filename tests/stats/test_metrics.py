"""Metrics, held against scikit-learn."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics as theirs

from noria.data.schema import TASKS
from noria.stats import names
from noria.stats.metrics import METRICS, all_of, default
from noria.stats.metrics import names as names_of

SEEDS = st.integers(0, 2**32 - 1)


def answers(seed: int, classes: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Truth in which every class occurs, probabilities with ties, and the label they give."""
    random = np.random.default_rng(seed)
    count = int(random.integers(classes, 60))
    y = random.permutation(np.concatenate([np.arange(classes), random.integers(0, classes, count - classes)]))
    p = random.integers(1, 6, (count, classes)).astype(np.float64)
    p /= p.sum(axis=1, keepdims=True)
    return y, p, p.argmax(axis=1)


@settings(deadline=None)
@given(SEEDS)
def test_two_classes_are_measured_as_scikit_learn_does(seed: int) -> None:
    y, p, said = answers(seed, 2)
    nan = {"zero_division": np.nan}
    want = {
        "roc_auc": theirs.roc_auc_score(y, p[:, 1]),
        "accuracy": theirs.accuracy_score(y, said),
        "balanced_accuracy": theirs.balanced_accuracy_score(y, said),
        "average_precision": theirs.average_precision_score(y, p[:, 1]),
        "precision": theirs.precision_score(y, said, **nan),
        "recall": theirs.recall_score(y, said, **nan),
        "f1": theirs.f1_score(y, said, **nan),
        "log_loss": theirs.log_loss(y, p),
        "brier": theirs.brier_score_loss(y, p[:, 1]),
    }
    got = all_of("classification", y, p)
    assert got == pytest.approx({name: value for name, value in want.items() if np.isfinite(value)}, abs=1e-12)


@settings(deadline=None)
@given(SEEDS, st.integers(3, 5))
def test_many_classes_are_measured_as_the_mean_over_classes(seed: int, classes: int) -> None:
    y, p, said = answers(seed, classes)
    mean = {"average": "macro", "zero_division": np.nan}
    want = {
        "roc_auc": theirs.roc_auc_score(y, p, multi_class="ovr"),
        "accuracy": theirs.accuracy_score(y, said),
        "balanced_accuracy": theirs.balanced_accuracy_score(y, said),
        "precision": theirs.precision_score(y, said, **mean),
        "recall": theirs.recall_score(y, said, **mean),
        "f1": theirs.f1_score(y, said, **mean),
        "log_loss": theirs.log_loss(y, p),
        "brier": theirs.brier_score_loss(y, p, scale_by_half=False),
    }
    assert all_of("classification", y, p) == pytest.approx(want, abs=1e-12)


@settings(deadline=None)
@given(SEEDS, st.integers(2, 50))
def test_numbers_are_measured_as_scikit_learn_does(seed: int, count: int) -> None:
    random = np.random.default_rng(seed)
    y, v = random.normal(0, 3, count).astype(np.float32), random.normal(0, 3, count).astype(np.float32)
    want = {
        "rmse": theirs.root_mean_squared_error(y, v),
        "mae": theirs.mean_absolute_error(y, v),
        "r2": theirs.r2_score(y, v),
    }
    assert all_of("regression", y, v) == pytest.approx(want, rel=1e-4)


def test_what_is_undefined_for_these_rows_is_left_out() -> None:
    same = np.zeros(4, dtype=np.int64)
    found = all_of("classification", same, np.tile([0.9, 0.1], (4, 1)))
    assert not {"roc_auc", "average_precision", "precision", "recall", "f1"} & found.keys()
    assert found["accuracy"] == 1
    assert "r2" not in all_of("regression", np.ones(3), np.zeros(3))
    assert all_of("classification", same[:0], np.zeros((0, 2))) == {}


@pytest.mark.parametrize("name", METRICS)
def test_a_perfect_answer_is_a_gain_over_a_bad_one(name: str) -> None:
    metric = METRICS[name]
    if metric.task == "multilabel":
        y = np.array([[0, 1], [1, 0], [1, 1], [0, 0]])
        good, bad = y * 0.8 + 0.1, 0.9 - y * 0.8
    elif metric.task == "classification":
        y = np.array([0, 1, 0, 1])
        good, bad = np.eye(2)[y], np.eye(2)[[1, 1, 1, 0]]
    else:
        y = np.array([1.0, 2.0, 3.0, 4.0])
        good, bad = y, y[::-1]
    assert metric.gain(metric.of(y, good), metric.of(y, bad)) > 0


def test_the_names_that_configuration_knows_are_those_there_are() -> None:
    assert set(names.METRICS) == set(METRICS)
    for task in TASKS:
        assert METRICS[default(task)].task == task


@settings(deadline=None)
@given(SEEDS, st.integers(2, 5))
def test_several_labels_a_row_are_measured_as_scikit_learn_does(seed: int, labels: int) -> None:
    random = np.random.default_rng(seed)
    count = int(random.integers(4, 60))
    y = random.integers(0, 2, (count, labels))
    y[:2] = [[0] * labels, [1] * labels]
    p = random.integers(0, 6, (count, labels)) / 5
    said = p >= 0.5
    assert all_of("multilabel", y.astype(np.int8), p.astype(np.float32)) == pytest.approx(
        {
            "mean_average_precision": theirs.average_precision_score(y, p, average="macro"),
            "f1_micro": theirs.f1_score(y, said, average="micro", zero_division=np.nan),
            "f1_macro": theirs.f1_score(y, said, average="macro", zero_division=np.nan),
            "hamming_loss": theirs.hamming_loss(y, said),
            "subset_accuracy": theirs.accuracy_score(y, said),
        }
    )


@settings(deadline=None)
@given(SEEDS, st.sampled_from(["classification", "multilabel", "regression"]))
def test_to_weigh_rows_is_to_repeat_them(seed: int, task: str) -> None:
    random = np.random.default_rng(seed)
    y, p, _ = answers(seed, int(random.integers(2, 4)))
    if task == "multilabel":
        y = random.integers(0, 2, p.shape)
    if task == "regression":
        y, p = y.astype(np.float32), p[:, 0]
    weights = random.integers(0, 4, (3, len(y)))
    for name in names_of(task):
        together = METRICS[name].prepare(y, p)(weights.astype(np.float64))
        for value, each in zip(together, weights, strict=True):
            rows = np.repeat(np.arange(len(y)), each)
            want = METRICS[name].of(y[rows], p[rows]) if len(rows) else np.nan
            assert value == pytest.approx(want, nan_ok=True, rel=1e-6, abs=1e-9), name
