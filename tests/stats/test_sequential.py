"""Looking as often as one likes: how often it is wrong, and how soon it is right. All seeded."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from noria.stats.sequential import Sample, difference, mismatch, p_value

NUMBERS = st.lists(st.floats(-1e3, 1e3), max_size=30)
LIVES, ANSWERS, FIRST, EVERY = 400, 4000, 50, 25  # simulated experiments, answers an arm, first look, then each so many


def sample(values: list[float]) -> Sample:
    found = np.array(values)
    return (
        Sample(len(values), float(found.mean()), float(np.square(found - found.mean()).sum())) if values else Sample()
    )


@given(NUMBERS, NUMBERS)
def test_samples_merge_to_that_of_all_numbers(a: list[float], b: list[float]) -> None:
    merged, whole = sample(a).merge(sample(b)), sample(a + b)
    assert merged.count == whole.count
    assert merged.mean == pytest.approx(whole.mean, abs=1e-9)
    assert merged.spread == pytest.approx(whole.spread, rel=1e-9, abs=1e-6)


@given(st.integers(0, 50), st.integers(0, 50))
def test_a_share_is_a_sample_of_ones_and_zeros(hits: int, misses: int) -> None:
    found, whole = Sample.of_share(hits, hits + misses), sample([1.0] * hits + [0.0] * misses)
    assert (found.count, found.mean) == (whole.count, pytest.approx(whole.mean))
    assert found.spread == pytest.approx(whole.spread)


def looks(share_a: float, share_b: float, seed: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Lower and upper ends of the interval at every look [lives, looks], with the share of errors that is allowed."""
    random = np.random.default_rng(seed)
    at = np.arange(FIRST, ANSWERS + 1, EVERY)
    ends = []
    for share in (share_a, share_b):
        hits = (random.random((LIVES, ANSWERS)) < share).cumsum(axis=1)[:, at - 1]
        ends.append(hits)
    spans = [
        [
            difference(Sample.of_share(int(x), int(n)), Sample.of_share(int(y), int(n)), scale=0.05)
            for x, y, n in zip(a, b, at, strict=True)
        ]
        for a, b in zip(*ends, strict=True)
    ]
    return (
        np.array([[span.low for span in life] for life in spans]),
        np.array([[span.high for span in life] for life in spans]),
    )


@pytest.mark.parametrize("share", [0.02, 0.3, 0.95])
def test_without_a_difference_one_in_twenty_is_the_most_that_ever_seem_to_differ(share: float) -> None:
    low, high = looks(share, share, seed=int(1000 * share))
    wrong = ((low > 0) | (high < 0)).any(axis=1).mean()
    assert wrong <= 0.05 + 3 * math.sqrt(0.05 * 0.95 / LIVES)


def test_the_true_difference_is_in_the_interval_at_all_times() -> None:
    low, high = looks(0.3, 0.4, seed=1)
    assert ((low <= 0.1) & (high >= 0.1)).all(axis=1).mean() >= 0.95


@pytest.mark.parametrize(("gap", "power"), [(0.1, 0.99), (0.05, 0.7)])
def test_a_difference_that_matters_is_found(gap: float, power: float) -> None:
    low, _ = looks(0.5, 0.5 + gap, seed=2)
    assert (low > 0).any(axis=1).mean() >= power


@given(st.integers(1, 500), st.integers(1, 500), st.integers(0, 500), st.integers(0, 500))
def test_interval_and_p_value_agree(n: int, m: int, x: int, y: int) -> None:
    a, b = Sample.of_share(min(x, n), n), Sample.of_share(min(y, m), m)
    span, p = difference(a, b, scale=0.05), p_value(a, b, scale=0.05)
    apart = span.low > 0 or span.high < 0
    assert apart == (p < 0.05) or abs(p - 0.05) < 1e-9
    back = difference(b, a, scale=0.05)
    assert (back.value, back.low, back.high) == pytest.approx((-span.value, -span.high, -span.low))


def test_of_nothing_nothing_is_known() -> None:
    assert difference(Sample(), Sample(3, 1.0, 0.0), scale=0.1)[1:] == (-math.inf, math.inf)
    assert p_value(Sample(), Sample(), scale=0.1) == 1.0


def test_traffic_that_is_divided_as_it_should_be_hardly_ever_seems_otherwise() -> None:
    random = np.random.default_rng(7)
    at = np.arange(10, 5001, 30)
    ones = (random.random((LIVES, 5000)) < 0.9).cumsum(axis=1)[:, at - 1]
    lives = [[mismatch([int(k), int(n - k)], [90, 10]) for k, n in zip(life, at, strict=True)] for life in ones]
    assert (np.array(lives) < 0.01).any(axis=1).mean() <= 0.01 + 3 * math.sqrt(0.01 * 0.99 / LIVES)


@pytest.mark.parametrize("counts", [[5200, 4600], [9300, 500], [0, 60]])
def test_traffic_that_is_not_is_found_out(counts: list[int]) -> None:
    assert mismatch(counts, [50, 50]) < 0.01
