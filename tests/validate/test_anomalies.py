"""New data against the schema and the baseline: what is found, and what is let pass."""

import math
from typing import Any

import numpy as np
import polars as pl
import pytest

from noria.data.profile import profile
from noria.data.schema import Schema
from noria.validate.anomalies import against_schema, constant
from noria.validate.expected import infer

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
    each = against_schema(EXPECTED, profile(rows, SCHEMA))
    return [(one.column, one.severity, one.what) for one in each]


def test_the_schema_that_is_inferred_says_kind_range_categories_and_missing() -> None:
    some, none = {"missing": 0.03, "usual": 0.0}, {"missing": 0.37027, "usual": 0.25}
    assert {name: one.to_json() for name, one in EXPECTED.items()} == {
        "who": {"kind": "category", **some},  # too many values for a closed set
        "age": {"kind": "number", **some, "low": 20.0, "high": 69.0, "least": -29.0, "most": 118.0},
        "job": {"kind": "category", **none, "categories": ["clerk", "nurse", "smith"], "unseen": 0.039735},
        "vip": {"kind": "bool", **some, "categories": ["false", "true"], "unseen": 0.029851},
        "paid": {"kind": "category", **some, "categories": ["no", "yes"], "unseen": 0.029851},
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
        {"age": pl.when(pl.int_range(200) < 6).then(None).otherwise(30.0)},
    ],
    ids=["the same", "fewer categories", "as much missing as before, and a little more", "a little out of range",
         "some missing"],
)  # fmt: skip
def test_what_is_within_reason_is_let_pass(change: dict[str, Any]) -> None:
    assert found(BASE.with_columns(**change)) == []


def test_a_column_that_was_always_empty_is_no_news() -> None:
    empty = profile(BASE.with_columns(age=pl.lit(None, pl.Float64)), SCHEMA)
    assert list(against_schema(infer(empty), empty)) == []


def test_columns_that_say_nothing_are_named_but_never_the_label() -> None:
    rows = BASE.with_columns(age=pl.lit(1.0), job=pl.lit("smith"), paid=pl.lit("yes"), vip=pl.lit(None, pl.Boolean))
    assert [(one.column, one.severity) for one in constant(profile(rows, SCHEMA), SCHEMA)] == [
        ("age", "warn"),
        ("job", "warn"),
    ]


def test_a_rare_value_that_was_never_seen_is_told_but_is_no_warning() -> None:
    rare = BASE.with_columns(job=pl.when(pl.int_range(200) == 7).then(pl.lit("pilot")).otherwise("job"))
    assert found(rare) == [("job", "info", "unseen values: pilot")]
    often = BASE.with_columns(job=pl.when(pl.int_range(200) < 20).then(pl.lit("pilot")).otherwise("job"))
    assert found(often) == [("job", "warn", "unseen values: pilot")]


def test_the_long_tail_of_incomes_may_grow_longer_but_not_without_end() -> None:
    random = np.random.default_rng(0)
    old = profile(pl.DataFrame({"x": random.lognormal(3, 1, 20_000), "paid": "yes"}), SCHEMA)
    high = float(old.columns["x"].high or 0)
    for most, alarms in ((3 * high, 0), (1000 * high, 1)):
        new = profile(pl.DataFrame({"x": [1.0, most], "paid": "yes"}), SCHEMA)
        assert len(list(against_schema(infer(old), new))) == alarms


def test_a_few_missing_values_of_few_rows_may_be_chance() -> None:
    old = profile(pl.DataFrame({"x": [None, 1.0, 2.0, 3.0, 4.0] * 40, "paid": "yes"}), SCHEMA)
    few = profile(pl.DataFrame({"x": [None, None, 2.0, 3.0, 4.0], "paid": "yes"}), SCHEMA)
    many = profile(pl.DataFrame({"x": [None, None, 2.0, 3.0, 4.0] * 40, "paid": "yes"}), SCHEMA)
    assert list(against_schema(infer(old), few)) == []
    [one] = against_schema(infer(old), many)
    assert one.what == "40% of its values are missing, before 20%"
