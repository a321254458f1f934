"""How good answers probably are, without labels: what they say of themselves, made true."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from noria.feedback.estimate import Calibration, calibrated, estimate
from noria.stats.metrics import all_of


def drawn(count: int, classes: int, *, seed: int, sharp: float = 1.0) -> tuple[np.ndarray, np.ndarray]:
    """True probabilities [n, classes], and labels that they gave."""
    random = np.random.default_rng(seed)
    p = random.dirichlet(np.full(classes, sharp), count)
    return p, (p.cumsum(axis=1) < random.uniform(size=(count, 1))).sum(axis=1).clip(0, classes - 1)


@pytest.mark.parametrize("classes", [2, 4])
def test_answers_that_mean_what_they_say_are_estimated_as_labels_will_show(classes: int) -> None:
    outside = {}
    for seed in range(30):
        p, y = drawn(1500, classes, seed=seed)
        spans = estimate(p, Calibration(), seed=seed)
        real = all_of("classification", y, p)
        assert spans.keys() == real.keys()
        for name, value in real.items():
            assert spans[name].value == pytest.approx(value, abs=0.08), name
            outside[name] = outside.get(name, 0) + (not spans[name].low <= value <= spans[name].high)
    assert max(outside.values()) <= 6, outside  # of 30, by 95 % intervals


def test_one_row_by_hand() -> None:
    p = np.array([[0.2, 0.8], [0.7, 0.3], [0.4, 0.6]])
    spans = estimate(p, Calibration())
    assert spans["accuracy"].value == pytest.approx((0.8 + 0.7 + 0.6) / 3)
    assert spans["precision"].value == pytest.approx((0.8 + 0.6) / 2)
    assert spans["recall"].value == pytest.approx((0.8 + 0.6) / (0.8 + 0.3 + 0.6))
    assert spans["brier"].value == pytest.approx(np.mean([x * (1 - x) for x in (0.8, 0.3, 0.6)]))


@pytest.mark.parametrize("classes", [2, 3])
def test_what_is_too_sure_is_corrected_by_rows_whose_truth_is_known(classes: int) -> None:
    p, y = drawn(4000, classes, seed=1)
    sure = p**3 / (p**3).sum(axis=1, keepdims=True)
    kept = calibrated(sure[:2000], y[:2000])
    real = all_of("classification", y[2000:], sure[2000:])["accuracy"]
    assert kept.changes
    assert abs(estimate(sure[2000:], kept)["accuracy"].value - real) < 0.03
    assert abs(estimate(sure[2000:], Calibration())["accuracy"].value - real) > 0.08


def test_what_is_true_already_is_let_be_and_few_rows_teach_nothing() -> None:
    p, y = drawn(150, 2, seed=0)
    assert not calibrated(p**3 / (p**3).sum(axis=1, keepdims=True), y).changes


def test_another_mix_of_cases_is_seen_without_labels() -> None:
    p, y = drawn(20_000, 2, seed=2)
    hard = np.abs(p[:, 1] - 0.5) < 0.2
    spans = [estimate(p[part], Calibration())["accuracy"] for part in (~hard, hard)]
    real = [float((p[part].argmax(axis=1) == y[part]).mean()) for part in (~hard, hard)]
    assert spans[0].value - spans[1].value > 0.15
    assert [span.value for span in spans] == pytest.approx(real, abs=0.02)


def test_of_nothing_nothing_is_said() -> None:
    assert estimate(np.zeros((0, 2)), Calibration()) == {}
    assert estimate(np.full((3, 2), np.nan), Calibration()) == {}


@settings(max_examples=30, deadline=None)
@given(st.integers(2, 4), st.integers(1, 40), st.integers(0, 10**6))
def test_calibrated_probabilities_are_probabilities(classes: int, count: int, seed: int) -> None:
    p, y = drawn(400, classes, seed=seed, sharp=0.5)
    found = calibrated(p, y).of(drawn(count, classes, seed=seed + 1)[0])
    assert found.sum(axis=1) == pytest.approx(np.ones(count))
    assert found.min() >= 0
