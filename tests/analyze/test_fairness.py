"""Between groups: held against Fairlearn, and fair to small groups."""

from typing import Any

import numpy as np
import polars as pl
import pytest
from fairlearn import metrics as theirs
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import mean_absolute_error, zero_one_loss

from noria.analyze.cells import Cells
from noria.analyze.fairness import fairness
from noria.analyze.report import largest_differences
from noria.model.signature import Signature
from noria.stats.interval import difference, wilson

CLASSES = Signature((), ("no", "yes"), "y", "yes")
LABELS = Signature((), ("red", "blue"), "y", several=True)
NUMBER = Signature((), None, "y")


def between_groups(rows: pl.DataFrame, protected: list[str], truth: Any, answer: Any, smallest: int) -> dict[str, Any]:
    return fairness(Cells(rows), protected, truth, np.column_stack([1 - answer, answer]), CLASSES, smallest)


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
                "error_difference": theirs.MetricFrame(metrics=zero_one_loss, **by).difference(),
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
            "error": mine,
        }.items():
            hit = answer != truth if rate == "error" else answer
            hits, count = int(hit[base].sum()), int(base.sum())
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
    assert (one["low"], one["high"]) == pytest.approx(difference(0.5, 100, 0.9, 100))
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


def test_each_of_several_labels_is_looked_at_as_if_it_were_alone() -> None:
    rows, truth, answer = made(3)
    y, scores = np.column_stack([truth, 1 - truth]), np.column_stack([0.1 + 0.8 * answer, np.full(len(answer), 0.9)])
    found = fairness(Cells(rows), ["sex"], y, scores, LABELS, 1)
    alone = between_groups(rows, ["sex"], truth, answer, 1)["sex"]
    assert (found["sex: red"]["groups"], found["sex: red"]["label"]) == (alone["groups"], "red")
    assert found["sex: blue"]["differences"]["demographic_parity_difference"]["value"] == 0
    assert {one["column"] for one in found.values()} == {"sex"}


def test_the_groups_of_a_regression_have_mean_errors_with_intervals() -> None:
    rows, *_ = made(4)
    random = np.random.default_rng(0)
    y = random.normal(0, 1, 400)
    high = (rows["sex"] == "m").to_numpy()
    found = fairness(Cells(rows), ["sex"], y, y + random.normal(0, 0.5, 400) + 2 * high, NUMBER, 30)["sex"]
    by = {"y_true": y, "y_pred": y + 2 * high, "sensitive_features": rows["sex"].to_numpy()}
    assert theirs.MetricFrame(metrics=mean_absolute_error, **by).difference() == pytest.approx(2)
    one = found["differences"]["mean_error_difference"]
    assert (one["value"], one["between"]) == (pytest.approx(2, abs=0.2), ["m", "f"])
    assert 0 < one["low"] < one["value"] < one["high"]
    assert one["certain"] == one["low"]
    assert found["differences"].keys() == {"error_difference", "mean_answer_difference", "mean_error_difference"}


def test_three_people_and_one_are_groups_of_a_regression_with_wide_intervals_or_none() -> None:
    rows = pl.DataFrame({"g": ["a"] * 100 + ["three"] * 3 + ["one"]})
    y = np.random.default_rng(0).normal(0, 1, 104)
    found = fairness(Cells(rows), ["g"], y, y + np.linspace(-1, 1, 104), NUMBER, 30)["g"]
    rates = {group["group"]: group["rates"]["mean_error"] for group in found["groups"]}
    assert rates["three"]["high"] - rates["three"]["low"] > 0.01
    assert (rates["one"]["value"], rates["one"]["low"]) == (None, None)
    assert found["differences"]["mean_error_difference"]["value"] is None
    assert set(found["differences"]["mean_error_difference"]["undecided"]) == {"one", "three"}
