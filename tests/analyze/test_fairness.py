"""Between groups: held against Fairlearn, and fair to small groups."""

from typing import Any

import numpy as np
import polars as pl
import pytest
from fairlearn import metrics as theirs
from hypothesis import given, settings
from hypothesis import strategies as st

from noria.analyze.fairness import between_groups
from noria.analyze.report import largest_differences
from noria.stats.interval import difference, wilson


def made(seed: int, count: int = 400) -> tuple[pl.DataFrame, Any, Any]:
    random = np.random.default_rng(seed)
    rows = pl.DataFrame({"sex": random.choice(["f", "m"], count), "job": random.choice(["a", "b", "c"], count)})
    truth = random.integers(0, 2, count)
    given_ = (random.random(count) < 0.3 + 0.3 * truth + 0.2 * (rows["sex"] == "m").to_numpy()).astype(np.int64)
    return rows, truth, given_


@settings(deadline=None, max_examples=8)
@given(st.integers(0, 2**32 - 1))
def test_differences_are_fairlearns_for_each_column_and_each_pair(seed: int) -> None:
    rows, truth, answer = made(seed)
    found = between_groups(rows, ["sex", "job"], truth, answer, 1)
    assert found.keys() == {"sex", "job", "sex & job"}
    groups = {"sex": rows["sex"], "job": rows["job"], "sex & job": rows["sex"] + " & " + rows["job"]}
    for name, of in groups.items():
        by = {"y_true": truth, "y_pred": answer, "sensitive_features": of.to_numpy()}
        values = {one: entry["value"] for one, entry in found[name]["differences"].items()}
        assert values == pytest.approx(
            {
                "demographic_parity_difference": theirs.demographic_parity_difference(**by),
                "equal_opportunity_difference": theirs.equal_opportunity_difference(**by),
                "equalized_odds_difference": theirs.equalized_odds_difference(**by),
            }
        )
    assert sum(group["rows"] for group in found["sex & job"]["groups"]) == 400


def test_every_rate_has_its_rows_and_its_interval() -> None:
    rows, truth, answer = made(1)
    for group in between_groups(rows, ["sex"], truth, answer, 1)["sex"]["groups"]:
        mine = (rows["sex"] == group["group"]).to_numpy()
        for rate, base in {
            "selection_rate": mine,
            "true_positive_rate": mine & (truth == 1),
            "false_positive_rate": mine & (truth == 0),
        }.items():
            hits, count = int(answer[base].sum()), int(base.sum())
            one = group["rates"][rate]
            assert (one["rows"], one["value"]) == (count, pytest.approx(hits / count))
            assert (one["low"], one["high"]) == wilson(hits, count)


def counted(*groups: tuple[str, int, int]) -> dict[str, Any]:
    """Groups by name, rows, and how many are given the favourable label (all deserve it)."""
    rows = pl.DataFrame({"g": [name for name, count, _ in groups for _ in range(count)]})
    answer = np.concatenate([np.arange(count) < hits for _, count, hits in groups]).astype(np.int64)
    found: dict[str, Any] = between_groups(rows, ["g"], np.ones_like(answer), answer, 30)["g"]["differences"]
    return found


def test_the_two_groups_that_are_furthest_apart_are_named_with_an_interval() -> None:
    one = counted(("a", 100, 50), ("b", 100, 90), ("c", 100, 70))["equal_opportunity_difference"]
    assert (one["value"], one["between"]) == (pytest.approx(0.4), ["b", "a"])
    assert (one["low"], one["high"]) == difference(0.5, 100, 0.9, 100)
    assert (one["undecided"], one["certain"]) == ([], one["low"])


def test_a_group_too_small_to_judge_is_named_and_not_judged_by_its_value() -> None:
    one = counted(("a", 100, 50), ("b", 100, 60), ("tiny", 3, 3))["demographic_parity_difference"]
    assert (one["value"], one["undecided"]) == (pytest.approx(0.1), ["tiny"])
    assert one["certain"] < 0.1


def test_a_small_group_that_is_surely_apart_is_certain_all_the_same() -> None:
    one = counted(("a", 1000, 1000), ("b", 1000, 980), ("small", 20, 0))["demographic_parity_difference"]
    assert one["value"] == pytest.approx(0.02)
    assert one["certain"] > 0.8


def test_with_one_group_or_only_small_ones_there_is_no_difference() -> None:
    assert counted(("a", 100, 50))["demographic_parity_difference"]["value"] is None
    assert counted(("a", 10, 5), ("b", 10, 9))["equal_opportunity_difference"]["value"] is None


def test_a_rate_that_no_row_defines_is_nothing_and_not_zero() -> None:
    rows = pl.DataFrame({"g": ["a", "b"] * 50})
    truth = np.array([1, 0] * 50)
    found = between_groups(rows, ["g"], truth, truth, 1)["g"]
    rates = {group["group"]: group["rates"] for group in found["groups"]}
    assert rates["a"]["false_positive_rate"]["value"] is None
    assert rates["b"]["true_positive_rate"]["value"] is None
    assert found["differences"]["equalized_odds_difference"]["value"] is None
    assert found["differences"]["demographic_parity_difference"]["value"] == 1


def test_the_summary_takes_single_columns_only() -> None:
    result = {
        "fairness": {
            "sex": {"differences": {"m": {"value": 0.1}, "n": {"value": None}}},
            "job": {"differences": {"m": {"value": 0.2}, "n": {"value": None}}},
            "sex & job": {"differences": {"m": {"value": 0.9}, "n": {"value": 0.9}}},
        }
    }
    assert largest_differences(result) == {"m": 0.2}
