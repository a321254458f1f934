"""How far groups are apart: by hand."""

import pytest

from noria.stats.groups import DIFFERENCES, largest
from noria.stats.interval import difference, wilson


def group(name: str, **rates: tuple[int, int]) -> dict[str, object]:
    found = {}
    for rate in ("selection_rate", "true_positive_rate", "false_positive_rate"):
        hits, rows = rates.get(rate, (0, 0))
        low, high = wilson(hits, rows)
        found[rate] = {"value": hits / rows if rows else None, "rows": rows, "low": low, "high": high}
    return {"group": name, "rates": found}


A = group("a", selection_rate=(50, 100), true_positive_rate=(30, 40), false_positive_rate=(20, 60))
B = group("b", selection_rate=(60, 100), true_positive_rate=(32, 40), false_positive_rate=(36, 60))
TINY = group("tiny", selection_rate=(5, 5), true_positive_rate=(5, 5))


@pytest.mark.parametrize(
    ("name", "value", "rows"),
    [
        ("demographic_parity_difference", 0.1, (100, 100)),
        ("equal_opportunity_difference", 0.05, (40, 40)),
        ("equalized_odds_difference", 36 / 60 - 20 / 60, (60, 60)),
    ],
)
def test_each_difference_is_the_largest_of_its_rates(name: str, value: float, rows: tuple[int, int]) -> None:
    found = largest([B, A], name, 30)
    assert (found["value"], found["between"], found["undecided"]) == (pytest.approx(value), ["b", "a"], [])
    rate = DIFFERENCES[name][-1]
    low, high = (one["rates"][rate]["value"] for one in (A, B))
    assert (found["low"], found["high"]) == pytest.approx(difference(low, rows[0], high, rows[1]), abs=1e-12)


def test_how_many_rows_a_group_needs_is_the_callers_choice() -> None:
    few, many = (largest([A, B, TINY], "demographic_parity_difference", least) for least in (5, 30))
    assert (few["value"], few["undecided"]) == (0.5, [])
    assert (many["value"], many["undecided"]) == (pytest.approx(0.1), ["tiny"])
    assert many["certain"] == few["certain"] > 0
    assert largest([A, B], "demographic_parity_difference", 101)["value"] is None
