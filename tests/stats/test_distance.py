"""Between two distributions, held against scipy."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.distance import jensenshannon
from scipy.stats import wasserstein_distance

from noria.stats.distance import jensen_shannon, largest_change, shares, stability, wasserstein

COUNTS = st.dictionaries(st.sampled_from("abcdef"), st.integers(1, 1000), min_size=1)


@settings(deadline=None)
@given(COUNTS, COUNTS)
def test_jensen_shannon_is_scipys_with_base_two(one: dict[str, int], two: dict[str, int]) -> None:
    a, b = shares(one), shares(two)
    vectors = [np.array([side.get(key, 0.0) for key in "abcdef"]) for side in (a, b)]
    divergence = np.nan_to_num(jensenshannon(*vectors, base=2)) ** 2  # of equal ones scipy takes the root of −1e-17
    assert jensen_shannon(a, b) ** 2 == pytest.approx(divergence, abs=1e-12)


@settings(deadline=None)
@given(COUNTS, COUNTS)
def test_a_distance_is_zero_to_itself_symmetric_and_at_most_one(one: dict[str, int], two: dict[str, int]) -> None:
    a, b = shares(one), shares(two)
    assert jensen_shannon(a, a) == 0
    assert jensen_shannon(a, b) == pytest.approx(jensen_shannon(b, a), abs=1e-12)
    assert 0 <= jensen_shannon(a, b) <= 1 + 1e-12


def test_distributions_without_a_common_thing_are_one_apart() -> None:
    assert jensen_shannon({"a": 1.0}, {"b": 0.25, "c": 0.75}) == 1
    assert jensen_shannon({}, {}) == 0


def test_the_largest_change_is_named_with_its_sign() -> None:
    assert largest_change({"no": 0.5, "yes": 0.5}, {"no": 0.2, "yes": 0.7, "maybe": 0.1}) == ("no", pytest.approx(-0.3))
    assert largest_change({}, {}) == ("", 0)


@settings(deadline=None)
@given(st.dictionaries(st.sampled_from("abc"), st.integers(0, 9)))
def test_shares_add_up_to_one_unless_there_is_nothing(counts: dict[str, int]) -> None:
    assert sum(shares(counts).values()) == pytest.approx(1 if sum(counts.values()) else 0)


POINTS = st.dictionaries(st.floats(-100, 100), st.integers(1, 50), min_size=1, max_size=20)


@settings(deadline=None)
@given(POINTS, POINTS)
def test_wasserstein_is_scipys(one: dict[float, int], two: dict[float, int]) -> None:
    want = wasserstein_distance(list(one), list(two), list(one.values()), list(two.values()))
    a, b = sorted(one.items()), sorted(two.items())
    assert wasserstein(a, b) == pytest.approx(want, abs=1e-9)
    assert wasserstein(a, a) == 0
    assert np.isnan(wasserstein(a, []))


@settings(deadline=None)
@given(COUNTS, COUNTS)
def test_the_stability_index_is_zero_to_itself_symmetric_and_never_negative(
    one: dict[str, int], two: dict[str, int]
) -> None:
    a, b = shares(one), shares(two)
    assert stability(a, a) == 0
    assert stability(a, b) == pytest.approx(stability(b, a))
    assert stability(a, b) >= 0


def test_the_stability_index_of_a_known_shift_and_of_one_that_vanished() -> None:
    assert stability({"a": 0.5, "b": 0.5}, {"a": 0.7, "b": 0.3}) == pytest.approx(0.2 * np.log(1.4) - 0.2 * np.log(0.6))
    assert 5 < stability({"a": 1.0}, {"b": 1.0}) < 20
