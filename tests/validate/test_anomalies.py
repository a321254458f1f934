"""New data against the schema and the baseline: what is found, and what is let pass."""

import math
from typing import Any

import polars as pl
import pytest
from scipy.spatial.distance import jensenshannon

from noria.data.profile import profile
from noria.data.schema import Schema
from noria.validate.anomalies import against_schema, constant, drift, infer
from noria.validate.config import Validate

SCHEMA = Schema(label="paid", subject="who", time="at")
BASE = pl.DataFrame(
    {
        "who": [f"p{n}" for n in range(200)],
        "age": [20.0 + n % 50 for n in range(200)],
        "job": ["clerk", "nurse", "smith", None] * 50,
        "vip": [True, False] * 100,
        "paid": ["yes", "no"] * 100,
    }
)
EXPECTED = infer(profile(BASE, SCHEMA))


def found(rows: pl.DataFrame) -> list[tuple[str, str, str]]:
    each = against_schema(EXPECTED, profile(rows, SCHEMA), Validate())
    return [(one.column, one.severity, one.what) for one in each]


def test_the_schema_that_is_inferred_says_kind_range_categories_and_missing() -> None:
    assert EXPECTED == {
        "who": {"kind": "category", "missing": 0.0},  # too many values for a closed set
        "age": {"kind": "number", "missing": 0.0, "low": 20.0, "high": 69.0},
        "job": {"kind": "category", "missing": 0.25, "categories": ["clerk", "nurse", "smith"]},
        "vip": {"kind": "bool", "missing": 0.0, "categories": ["false", "true"]},
        "paid": {"kind": "category", "missing": 0.0, "categories": ["no", "yes"]},
    }


@pytest.mark.parametrize(
    ("change", "want"),
    [
        ({"job": pl.lit("pilot")}, ("job", "warn", "unseen values: pilot")),
        ({"age": pl.lit(None, pl.Float64)}, ("age", "warn", "the column has no values")),
        ({"age": pl.lit(math.nan)}, ("age", "warn", "the column has no values")),
        ({"age": pl.when(pl.int_range(200) < 40).then(None).otherwise(30.0)},
         ("age", "warn", "20% of its values are missing, before 0%")),
        ({"age": pl.when(pl.int_range(200) < 40).then(math.nan).otherwise(30.0)},
         ("age", "warn", "20% of its values are missing, before 0%")),
        ({"age": pl.when(pl.int_range(200) < 3).then(math.inf).otherwise(30.0)},
         ("age", "warn", "3 values are infinite")),
        ({"age": pl.when(pl.int_range(200) < 1).then(-math.inf).otherwise(30.0)},
         ("age", "warn", "1 values are infinite")),
        ({"age": pl.col("age") * 12}, ("age", "warn", "values from 240 to 828, before 20 to 69")),
        ({"age": -pl.col("age")}, ("age", "warn", "values from -69 to -20, before 20 to 69")),
        ({"age": pl.lit("old")}, ("age", "block", "it is category now and was number")),
        ({"vip": pl.lit(1)}, ("vip", "block", "it is number now and was bool")),
        ({"new": pl.lit(1)}, ("new", "info", "the column is new")),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_found_in_its_column_and_only_there(
    change: dict[str, Any], want: tuple[str, str, str]
) -> None:
    assert found(BASE.with_columns(**change)) == [want]


def test_a_column_that_is_absent_blocks() -> None:
    assert found(BASE.drop("age")) == [("age", "block", "the column is absent")]


@pytest.mark.parametrize(
    "change",
    [
        {},
        {"job": pl.lit("smith")},
        {"job": pl.when(pl.int_range(200) < 69).then(None).otherwise(pl.lit("smith"))},
        {"age": pl.col("age") + 45},
        {"age": pl.when(pl.int_range(200) < 19).then(None).otherwise(30.0)},
    ],
    ids=["the same", "fewer categories", "as much missing as before, and a little more", "a little out of range",
         "some missing"],
)  # fmt: skip
def test_what_is_within_reason_is_let_pass(change: dict[str, Any]) -> None:
    assert found(BASE.with_columns(**change)) == []


def test_a_column_that_was_always_empty_is_no_news() -> None:
    empty = profile(BASE.with_columns(age=pl.lit(None, pl.Float64)), SCHEMA)
    assert list(against_schema(infer(empty), empty, Validate())) == []
    assert list(drift(empty, profile(BASE, SCHEMA), SCHEMA, 0.01)) == []


def test_columns_that_say_nothing_are_named_but_never_the_label() -> None:
    rows = BASE.with_columns(age=pl.lit(1.0), job=pl.lit("smith"), paid=pl.lit("yes"), vip=pl.lit(None, pl.Boolean))
    assert [(one.column, one.severity) for one in constant(profile(rows, SCHEMA), SCHEMA)] == [
        ("age", "warn"),
        ("job", "warn"),
    ]


@pytest.mark.parametrize(
    ("change", "moved"),
    [
        ({}, {}),
        ({"age": pl.col("age").reverse()}, {}),
        ({"job": pl.lit("smith")}, {"job": jensenshannon([1 / 3] * 3, [0, 0, 1], base=2)}),
        ({"vip": pl.lit(True)}, {"vip": jensenshannon([0.5] * 2, [0, 1], base=2)}),
        ({"who": pl.lit("p1"), "paid": pl.lit("yes")}, {}),  # subject and label have rules of their own
    ],
)
def test_a_distribution_that_moved_is_measured(change: dict[str, Any], moved: dict[str, float]) -> None:
    now = profile(BASE.with_columns(**change), SCHEMA)
    got = {one.column: one.evidence["jensen_shannon"] for one in drift(profile(BASE, SCHEMA), now, SCHEMA, 0.2)}
    assert got == pytest.approx(moved)


def test_numbers_drift_over_the_tenths_of_the_baseline() -> None:
    """A tenth of the rows in each cell before; afterwards half in the first cell and half in the last."""
    before = profile(pl.DataFrame({"x": [2.0**n for n in range(10)] * 100, "paid": "yes"}), SCHEMA)
    after = profile(pl.DataFrame({"x": [0.5, 5000.0] * 100, "paid": "yes"}), SCHEMA)
    [one] = drift(before, after, SCHEMA, 0.2)
    want = jensenshannon([0.1] * 10, [0.5] + [0] * 8 + [0.5], base=2)
    assert one.evidence["jensen_shannon"] == pytest.approx(want)
    assert list(drift(before, before, SCHEMA, 1e-9)) == []
