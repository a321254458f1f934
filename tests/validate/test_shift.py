"""A label that moved is never missed; sampling noise never alarms."""

from math import sqrt

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from noria.stats.interval import difference
from noria.validate.shift import label_shift


def found(before: dict[str, int], now: dict[str, int], bound: float = 0.1) -> list[str]:
    return [one.what for one in label_shift(before, now, bound=bound, between="in the new data")]


def test_a_half_that_becomes_seven_in_ten_is_found_with_its_interval() -> None:
    [one] = label_shift({"no": 500, "yes": 500}, {"no": 90, "yes": 210}, bound=0.1, between="now")
    assert (one.severity, one.what) == ("block", "the share of label no moved from 50% to 30% now")
    assert one.evidence["change"] == pytest.approx(-0.2)
    low, high = one.evidence["interval"]
    wald = 1.96 * sqrt(0.25 / 1000 + 0.21 / 300)
    assert (low, high) == pytest.approx((-0.2 - wald, -0.2 + wald), abs=0.01)
    assert one.evidence["before"] == {"no": 0.5, "yes": 0.5}
    assert "--remedy resample" in one.do
    assert "--remedy reweight" in one.do


@pytest.mark.parametrize(
    ("before", "now"),
    [
        ({"no": 500, "yes": 500}, {"no": 150, "yes": 150}),
        ({"no": 500, "yes": 500}, {"no": 140, "yes": 160}),
        ({"no": 50_000, "yes": 50_000}, {"no": 41_000, "yes": 59_000}),
        ({"no": 5, "yes": 5}, {"no": 3, "yes": 7}),
        ({}, {"no": 3, "yes": 7}),
        ({"no": 3, "yes": 7}, {}),
    ],
    ids=[
        "none",
        "within the bound",
        "sure but within the bound",
        "beyond the bound but few rows",
        "no before",
        "no now",
    ],
)
def test_what_is_small_or_may_be_chance_passes(before: dict[str, int], now: dict[str, int]) -> None:
    assert found(before, now) == []


def test_a_label_that_appears_or_vanishes_is_found() -> None:
    assert found({"no": 500, "yes": 500}, {"no": 500, "yes": 500, "maybe": 500})
    assert found({"no": 500, "yes": 500, "maybe": 500}, {"no": 500, "yes": 500})


def test_without_a_shift_one_alarm_in_twenty_at_most_and_with_one_none_is_missed() -> None:
    random = np.random.default_rng(0)
    alarms = {0.5: 0, 0.8: 0}
    for share in alarms:
        for _ in range(400):
            old, new = random.binomial(200, 0.5), random.binomial(200, share)
            alarms[share] += bool(found({"n": 200 - old, "y": old}, {"n": 200 - new, "y": new}, bound=0.01))
    assert alarms[0.5] <= 400 * 0.08
    assert alarms[0.8] == 400


def test_the_interval_is_the_one_of_a_difference_of_shares() -> None:
    [one] = label_shift({"a": 30, "b": 70}, {"a": 60, "b": 40}, bound=0.1, between="")
    assert tuple(one.evidence["interval"]) == difference(0.3, 100, 0.6, 100)


SIZES = st.integers(2000, 1_000_000)


@given(SIZES, SIZES, st.floats(0.0, 0.9), st.floats(0.1, 1.0), st.booleans())
def test_ten_points_or_more_at_two_thousand_rows_are_always_found(
    old: int, new: int, share: float, shift: float, down: bool
) -> None:
    """Whatever the sizes and shares: a law of the counts, not of a sample."""
    a, b = round(old * share), round(new * min(1.0, share + shift))
    if b / new - a / old < 0.1 - 1e-9:
        b = min(new, int(new * (a / old + 0.1)) + 1)
    before, now = {"yes": a, "no": old - a}, {"yes": b, "no": new - b}
    assert found(now, before) if down else found(before, now)


@pytest.mark.parametrize(("old", "new"), [(2000, 2000), (100_000, 2000), (2000, 300), (10_000, 10_000)])
@pytest.mark.parametrize("share", [0.02, 0.2, 0.5, 0.9])
def test_samples_of_the_same_people_alarm_once_in_twenty_at_most(old: int, new: int, share: float) -> None:
    random = np.random.default_rng([old, new, int(share * 100)])
    alarms = 0
    for _ in range(300):
        a, b = random.binomial(old, share), random.binomial(new, share)
        alarms += bool(found({"yes": a, "no": old - a}, {"yes": b, "no": new - b}))
    assert alarms <= 0.05 * 300


@pytest.mark.parametrize("strength", [0.1, 0.15, 0.2, 0.3])
@pytest.mark.parametrize("share", [0.05, 0.3, 0.5, 0.7])
def test_samples_of_people_whose_labels_moved_by_ten_points_are_not_missed(share: float, strength: float) -> None:
    random = np.random.default_rng([int(share * 100), int(strength * 100)])
    for _ in range(200):
        a, b = random.binomial(10_000, share), random.binomial(2000, share + strength)
        assert found({"yes": a, "no": 10_000 - a}, {"yes": b, "no": 2000 - b})
