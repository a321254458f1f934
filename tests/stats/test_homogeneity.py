"""Whether counts may come from one distribution, held against scipy."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binom, chi2_contingency

from noria.stats.homogeneity import more_often, same_shares

COMMON = st.dictionaries(st.sampled_from("abcdef"), st.integers(50, 1000), min_size=6)


@settings(deadline=None)
@given(COMMON, COMMON)
def test_of_common_things_it_is_scipys_chi_square_test(a: dict[str, int], b: dict[str, int]) -> None:
    table = [[side[key] for key in "abcdef"] for side in (a, b)]
    assert same_shares(a, b) == pytest.approx(chi2_contingency(table, correction=False).pvalue, abs=1e-12)
    assert same_shares(b, a) == pytest.approx(same_shares(a, b), abs=1e-12)


def test_rare_things_are_counted_together_and_so_do_not_alarm() -> None:
    a = {"often": 1000, **{f"a{n}": 1 for n in range(200)}}
    b = {"often": 1000, **{f"b{n}": 1 for n in range(200)}}
    assert same_shares(a, b) == 1
    assert same_shares({"x": 3}, {}) == same_shares({}, {}) == same_shares({"x": 3}, {"x": 9}) == 1


def test_without_a_difference_one_in_twenty_is_below_a_twentieth() -> None:
    random = np.random.default_rng(0)
    found = []
    for _ in range(1000):
        sides = (random.multinomial(size, [0.5, 0.3, 0.15, 0.05]) for size in (500, 200))
        found.append(same_shares(*(dict(enumerate(side.tolist())) for side in sides)))
    assert np.mean(np.array(found) < 0.05) == pytest.approx(0.05, abs=0.025)


@given(st.integers(0, 50), st.integers(50, 500), st.floats(0, 1))
def test_more_often_is_the_upper_tail_of_the_binomial(rows: int, of: int, share: float) -> None:
    assert more_often(rows, of, share) == pytest.approx(binom.sf(rows - 1, of, share), abs=1e-9)
