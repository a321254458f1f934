"""Metrics per subset, the bad ones that are found, and those that always get one label."""

import numpy as np
import polars as pl
import pytest

from noria.analyze import constant, slices
from noria.analyze.calibration import calibration
from noria.analyze.cells import Cells, group
from noria.errors import BadLifecycle
from noria.stats.metrics import all_of

RANDOM = np.random.default_rng(0)
COUNT = 2000
ROWS = pl.DataFrame(
    {
        "sex": RANDOM.choice(["f", "m"], COUNT),
        "job": RANDOM.choice(["clerk", "nurse", "smith"], COUNT),
        "age": RANDOM.integers(18, 80, COUNT),
        "vip": RANDOM.integers(0, 2, COUNT),
    }
)
Y = RANDOM.integers(0, 2, COUNT)
P = RANDOM.dirichlet([1, 1], COUNT)
CELLS = Cells(ROWS)
NAMES = ["no", "yes"]


def of(rows: pl.DataFrame, name: str) -> list[str]:
    """The group of each row."""
    found = Cells(rows).by(name)
    return [found.names[code] for code in found.codes]


def test_each_subset_has_the_metrics_of_its_rows() -> None:
    found = slices.table(CELLS, ["sex", "sex & job"], Y, P, "classification", 30)
    assert [(one["column"], one["group"]) for one in found] == [
        *(("sex", sex) for sex in "fm"),
        *(("sex & job", f"{sex} & {job}") for sex in "fm" for job in ("clerk", "nurse", "smith")),
    ]
    for one in found:
        wanted = dict(zip(one["column"].split(" & "), one["group"].split(" & "), strict=True))
        mask = np.logical_and.reduce([(ROWS[name] == value).to_numpy() for name, value in wanted.items()])
        assert (one["rows"], one["judged"]) == (mask.sum(), True)
        assert one["metrics"] == all_of("classification", Y[mask], P[mask])
        low, high = one["accuracy_interval"]
        assert low < one["metrics"]["accuracy"] < high


def test_a_number_with_many_values_is_cut_into_quarters_and_one_with_few_is_not() -> None:
    ages = group(ROWS["age"]).value_counts()
    assert len(ages) == 4
    assert ages["count"].min() > COUNT / 5
    assert sorted(group(ROWS["vip"]).unique()) == ["0", "1"]


def test_missing_values_are_a_group_of_their_own() -> None:
    rows = pl.DataFrame({"job": ["a", None, "a"], "age": [None, 1, 2]})
    assert of(rows, "job") == ["a", "missing", "a"]
    assert of(rows, "job & age") == ["a & missing", "missing & 1", "a & 2"]


def test_a_column_that_is_not_there_is_named() -> None:
    with pytest.raises(BadLifecycle, match="no column 'height' to slice by") as caught:
        CELLS.by("sex & height")
    assert "sex" in caught.value.do


def test_the_worst_slice_is_of_those_with_enough_rows() -> None:
    few = {"column": "a", "group": "x", "judged": False, "metrics": {"accuracy": 0.0, "rmse": 9.0}}
    bad = {"column": "a", "group": "y", "judged": True, "metrics": {"accuracy": 0.5, "rmse": 5.0}}
    good = {"column": "a", "group": "z", "judged": True, "metrics": {"accuracy": 0.9, "rmse": 1.0}}
    for metric, value in (("accuracy", 0.5), ("rmse", 5.0)):
        assert slices.worst([few, good, bad], metric) == {"slice": "a = y", "metric": metric, "value": value}
    assert slices.worst([few], "accuracy") is None


def test_a_planted_bad_slice_of_two_columns_is_found_first() -> None:
    planted = ((ROWS["sex"] == "f") & (ROWS["job"] == "smith")).to_numpy()
    wrong = RANDOM.random(COUNT) < np.where(planted, 0.5, 0.1)
    first, *others = slices.search(CELLS, ["age", "job", "sex", "vip"], wrong, 30)
    assert (first["column"], first["group"]) == ("job & sex", "smith & f")
    assert (first["rows"], first["wrong"]) == (planted.sum(), pytest.approx(wrong[planted].mean()))
    assert first["elsewhere"] == pytest.approx(wrong[~planted].mean())
    assert {one["column"] for one in others} <= {"job", "sex", "age & job", "age & sex", "job & vip", "sex & vip"}


def test_where_errors_are_spread_by_chance_hardly_anything_is_found() -> None:
    alarms = sum(
        bool(slices.search(CELLS, ["age", "job", "sex", "vip"], np.random.default_rng(n).random(COUNT) < 0.2, 30))
        for n in range(60)
    )
    assert alarms <= 60 * 0.15


def test_a_group_by_two_columns_is_told_only_if_it_is_worse_than_the_rest_of_either() -> None:
    """All rows of the groups with the label 1 are wrong: the other column has nothing to do with it."""
    rows = pl.DataFrame({"a": [n % 3 for n in range(900)], "b": [n // 3 % 2 for n in range(900)]})
    wrong = (rows["a"] == 1).to_numpy()
    found = {
        (one["column"], one["group"]): (one["rows"], one["wrong"])
        for one in slices.search(Cells(rows), ["a", "b"], wrong, 10)
    }
    assert found == {("a", "1"): (300, 1)}
    assert slices.search(Cells(rows), ["a", "b"], wrong, 301) == []


def test_a_subset_that_always_gets_one_label_though_its_truth_differs_is_found() -> None:
    smith = (ROWS["job"] == "smith").to_numpy()
    given = np.where(smith, 0, Y)
    found = constant.dominated(CELLS, ["job", "sex"], Y, given, NAMES, 30)
    assert [(one["column"], one["group"], one["label"], one["given"]) for one in found] == [("job", "smith", "no", 1.0)]
    assert found[0]["truth"] == pytest.approx((Y[smith] == 0).mean())


def test_a_subset_that_gets_one_label_because_it_is_true_is_let_be() -> None:
    smith = (ROWS["job"] == "smith").to_numpy()
    truth = np.where(smith & (np.arange(COUNT) % 20 > 0), 0, Y)
    assert constant.dominated(CELLS, ["job", "sex"], truth, np.where(smith, 0, truth), NAMES, 30) == []
    mixed = np.where(smith & (np.arange(COUNT) % 20 > 0), 0, Y)  # 5 % of the smiths get the other label
    given = np.where(smith & (np.arange(COUNT) % 20 == 0), 1, mixed)
    assert constant.dominated(CELLS, ["job"], Y, given, NAMES, 30) == []
    assert constant.dominated(Cells(ROWS[:20]), ["job"], Y[:20], np.zeros(20, dtype=np.int64), NAMES, 30) == []


def test_the_calibration_error_is_the_mean_gap_between_said_and_seen() -> None:
    said = np.array([0.95] * 10 + [0.65] * 10)
    probability = np.column_stack([1 - said, said])
    y = np.array([1] * 9 + [0] + [1] * 5 + [0] * 5)
    found = calibration("classification", y, probability)
    assert found["error"] == pytest.approx(0.5 * 0.05 + 0.5 * 0.15)
    assert [(b["rows"], b["said"], b["seen"]) for b in found["bins"]] == [
        (10, pytest.approx(0.65), 0.5),
        (10, pytest.approx(0.95), 0.9),
    ]
    assert calibration("classification", np.ones(5, dtype=np.int64), np.tile([0.0, 1.0], (5, 1)))["error"] == 0
