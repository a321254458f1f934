"""Two models on the same rows, held against scipy and hand-counted rows."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import chi2_contingency, false_discovery_control

from noria.stats.compare import discoveries, mcnemar, paired, two_shares


def test_a_model_that_is_surely_better_has_an_interval_above_zero_and_the_reverse_below() -> None:
    random = np.random.default_rng(0)
    y = random.integers(0, 2, 500)
    good = np.clip(0.5 + 0.3 * (2 * y - 1) + random.normal(0, 0.2, 500), 0.01, 0.99)
    good, noise = np.column_stack([1 - good, good]), random.dirichlet([1, 1], 500)
    for metric in ("roc_auc", "log_loss"):
        gap = paired(metric, y, noise, good, seed=1)
        back = paired(metric, y, good, noise, seed=1)
        assert 0 < gap.low < gap.gain < gap.high
        assert (back.low, back.gain, back.high) == pytest.approx((-gap.high, -gap.gain, -gap.low))
    assert gap.champion > gap.candidate  # the loss of the worse one is the larger one


def test_equal_models_differ_by_nothing_at_all() -> None:
    y = np.array([0, 1] * 20)
    p = np.random.default_rng(2).dirichlet([1, 1], 40)
    gap = paired("roc_auc", y, p, p, seed=0)
    assert (gap.gain, gap.low, gap.high) == (0, 0, 0)


def test_pairing_finds_a_small_gain_that_two_separate_intervals_hide() -> None:
    random = np.random.default_rng(5)
    y = random.normal(0, 10, 300)
    noise = random.normal(0, 5, 300)
    gap = paired("mae", y, y + noise, y + 0.95 * noise, seed=0)
    assert gap.low > 0
    assert gap.gain == pytest.approx(0.05 * np.abs(noise).mean())


@pytest.mark.parametrize(("first", "second", "p"), [(0, 0, 1.0), (1, 1, 1.0), (6, 0, 2 / 2**6), (9, 1, 22 / 2**10)])
def test_mcnemar_is_the_exact_sign_test_of_the_rows_they_disagree_on(first: int, second: int, p: float) -> None:
    only_first = np.array([True] * first + [False] * second + [True, False] * 5)
    only_second = np.array([False] * first + [True] * second + [True, False] * 5)
    found = mcnemar(only_first, only_second)
    assert (found.only_first, found.only_second, found.p) == (first, second, pytest.approx(p))


@settings(deadline=None)
@given(st.tuples(*[st.integers(1, 5000)] * 4))
def test_two_shares_are_compared_as_a_chi_square_test_without_correction_does(cells: tuple[int, ...]) -> None:
    hits, misses, other_hits, other_misses = cells
    theirs = chi2_contingency([[hits, misses], [other_hits, other_misses]], correction=False).pvalue
    assert two_shares(hits, hits + misses, other_hits, other_hits + other_misses) == pytest.approx(theirs, abs=1e-12)


def test_shares_that_cannot_differ_do_not() -> None:
    assert two_shares(0, 0, 3, 5) == two_shares(5, 5, 7, 7) == two_shares(0, 5, 0, 7) == 1


@settings(deadline=None)
@given(st.lists(st.floats(0, 1), max_size=30), st.sampled_from([0.01, 0.05, 0.2]))
def test_discoveries_are_those_of_benjamini_and_hochberg(values: list[float], rate: float) -> None:
    p = np.array(values)
    adjusted = false_discovery_control(p) if len(p) else p
    sure = np.abs(adjusted - rate) > 1e-9  # rounding decides on the bound itself
    assert (discoveries(p, rate) == (adjusted <= rate))[sure].all()
