"""How sure a share or a mean is, held against scipy and against what was published."""

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binomtest, ttest_1samp

from noria.stats.interval import bootstrap, difference, mean, wilson
from noria.stats.weighing import row_mean

COUNTS = st.integers(1, 100_000).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n)))


@settings(deadline=None)
@given(COUNTS)
def test_the_interval_of_a_share_is_scipys(counted: tuple[int, int]) -> None:
    hits, count = counted
    theirs = binomtest(hits, count).proportion_ci(0.95, method="wilson")
    assert wilson(hits, count) == pytest.approx((theirs.low, theirs.high), abs=1e-12)


def test_a_share_of_nothing_can_be_anything() -> None:
    assert wilson(0, 0) == (0, 1)


@pytest.mark.parametrize(
    ("a", "n", "b", "m", "low", "high"),
    [
        (48, 80, 56, 70, 0.0524, 0.3339),
        (3, 10, 9, 10, 0.1705, 0.8090),
        (0, 10, 10, 10, 0.6075, 1.0),
    ],
)
def test_the_interval_of_a_difference_is_the_published_one(
    a: int, n: int, b: int, m: int, low: float, high: float
) -> None:
    """Newcombe 1998, table II, method 10."""
    assert difference(a / n, n, b / m, m) == pytest.approx((low, high), abs=5e-5)


@settings(deadline=None)
@given(COUNTS, COUNTS)
def test_a_difference_lies_in_its_interval_and_turns_with_its_sides(one: tuple[int, int], two: tuple[int, int]) -> None:
    a, n, b, m = one[0] / one[1], one[1], two[0] / two[1], two[1]
    low, high = difference(a, n, b, m)
    assert low - 1e-12 <= b - a <= high + 1e-12
    assert difference(b, m, a, n) == pytest.approx((-high, -low), abs=1e-12)


def test_a_bootstrap_of_a_mean_is_as_wide_as_theory_says() -> None:
    values = np.random.default_rng(1).normal(10, 2, 400)
    mean = {"mean": row_mean(values)}
    low, high = bootstrap(mean, len(values), seed=3, rounds=2000)["mean"]
    half = 1.96 * values.std() / math.sqrt(len(values))
    assert (low, high) == pytest.approx((values.mean() - half, values.mean() + half), abs=0.1 * half)
    assert (low, high) == bootstrap(mean, len(values), seed=3, rounds=2000)["mean"]


def test_rounds_without_a_value_do_not_count() -> None:
    def second(weights: Any) -> Any:
        return np.where(np.arange(len(weights)) % 2, 1.0, math.nan)

    found = bootstrap({"second": second, "none": lambda w: np.full(len(w), math.nan)}, 5, seed=0, rounds=4)
    assert found["second"] == (1.0, 1.0)
    assert all(math.isnan(end) for end in found["none"])


def test_every_statistic_is_of_the_same_draws_whatever_stands_beside_it() -> None:
    values = np.random.default_rng(1).normal(10, 2, 50)
    one, twice = row_mean(values), row_mean(2 * values)
    both = bootstrap({"one": one, "twice": twice}, 50, seed=1)
    assert both["twice"] == pytest.approx(tuple(2 * end for end in both["one"]))
    assert bootstrap({"one": one}, 50, seed=1)["one"] == both["one"]


def test_the_interval_of_a_mean_is_scipys() -> None:
    values = np.random.default_rng(2).normal(3, 1, 7)
    theirs = ttest_1samp(values, 0).confidence_interval(0.95)
    found = mean(values)
    assert found is not None
    assert (found.value, found.low, found.high) == pytest.approx((values.mean(), theirs.low, theirs.high))
    assert mean(values[:1]) is None
