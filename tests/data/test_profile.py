"""Statistics that merge: the profile of two parts together is the profile of the whole."""

import json
import math
from datetime import date, datetime
from functools import reduce

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from noria.data import sketch
from noria.data.profile import KEPT, Column, Profile, profile
from noria.data.schema import Schema

SCHEMA = Schema(label="label", protected=["sex"])
KINDS = {
    "number": pl.Float64,
    "whole": pl.Int64,
    "text": pl.String,
    "flag": pl.Boolean,
    "day": pl.Date,
    "moment": pl.Datetime("us"),
    "sex": pl.String,
    "label": pl.String,
}
ROW = st.fixed_dictionaries(
    {
        "number": st.none()
        | st.sampled_from([math.nan, math.inf, -math.inf, 0.0, -0.0])
        | st.floats(-1e9, 1e9).map(lambda v: round(v, 3)),
        "whole": st.none() | st.integers(-1000, 1000),
        "text": st.none() | st.text("aäb\n, ", max_size=3),
        "flag": st.none() | st.booleans(),
        "day": st.none() | st.dates(date(1900, 1, 1), date(2100, 1, 1)),
        "moment": st.none() | st.datetimes(datetime(1900, 1, 1), datetime(2100, 1, 1)),
        "sex": st.none() | st.sampled_from("fm"),
        "label": st.none() | st.sampled_from(["yes", "no"]),
    }
)
ROWS = st.lists(ROW, max_size=12)


def frame(rows: list[dict[str, object]]) -> pl.DataFrame:
    return pl.DataFrame(rows, schema=KINDS, orient="row")


def same(one: Profile, two: Profile) -> None:
    """Equal in every count; sums within rounding."""
    a, b = one.to_json(), two.to_json()
    for name in a["columns"]:
        for sums in ("total", "squares"):
            assert a["columns"][name].pop(sums) == pytest.approx(b["columns"][name].pop(sums), rel=1e-9, abs=1e-6)
    assert a == b


@settings(deadline=None)
@given(st.lists(ROWS, min_size=2, max_size=4))
def test_a_merge_is_the_profile_of_all_rows_whatever_the_grouping_and_the_order(
    parts: list[list[dict[str, object]]],
) -> None:
    each = [profile(frame(rows), SCHEMA) for rows in parts]
    whole = profile(pl.concat([frame(rows) for rows in parts]), SCHEMA)
    same(reduce(Profile.merge, each), whole)
    same(reduce(lambda later, earlier: earlier.merge(later), reversed(each)), whole)
    same(reduce(Profile.merge, reversed(each)), whole)


def test_every_count_of_a_known_column_is_right() -> None:
    rows = pl.DataFrame(
        {
            "x": [None, math.nan, math.inf, 0.0, -2.0, 2.0, 6.0, 6.0],
            "t": ["bb", "a", None, "a", "a", "bb", "ccc", ""],
            "f": [True, False, None, True, True, None, None, True],
            "d": [date(2024, 2, n) for n in range(1, 9)],
            "sex": ["f", "f", "m", "m", "f", None, "f", "m"],
            "label": ["no", "yes", "no", "yes", "no", "no", None, "yes"],
        }
    )
    found = profile(rows, SCHEMA)
    x, t, f, d = (found.columns[name] for name in "xtfd")
    assert (x.rows, x.missing, x.infinite, x.zero, x.negative, x.low, x.high) == (8, 2, 1, 1, 1, -2, 6)
    assert (x.mean, x.deviation) == pytest.approx((2.4, math.sqrt(80 / 5 - 2.4**2)))
    assert (t.kind, t.missing, dict(t.values), t.length) == ("category", 1, {"a": 3, "bb": 2, "": 1, "ccc": 1}, 10)
    assert t.shares()["a"] == 3 / 7
    assert (f.kind, dict(f.values)) == ("bool", {"true": 4, "false": 1})
    assert (d.kind, d.first, d.last) == ("time", "2024-02-01", "2024-02-08")
    assert dict(found.labels) == {"no": 4, "yes": 3}
    assert found.groups == {"sex": {"f": {"no": 2, "yes": 1}, "m": {"no": 1, "yes": 2}}}


def test_a_profile_survives_being_kept_as_json() -> None:
    rows = frame([{**dict.fromkeys(KINDS), "number": 1.5, "text": "ä", "label": "yes", "sex": "f"}])
    found = profile(rows, SCHEMA)
    assert Profile.from_json(json.loads(json.dumps(found.to_json()))) == found


@settings(deadline=None)
@given(
    st.lists(st.floats(-1e12, 1e12).filter(lambda v: v == 0 or abs(v) > 1e-9), min_size=1, max_size=200),
    st.floats(0, 1),
    st.integers(0, 200),
)
def test_a_quantile_of_merged_sketches_is_off_by_at_most_its_error(values: list[float], q: float, cut: int) -> None:
    parts = [sketch.bins(np.array(part, dtype=np.float64)) for part in (values[:cut], values[cut:])]
    exact = sorted(values)[math.floor(q * (len(values) - 1))]
    assert sketch.quantile(sketch.merge(*parts), q) == pytest.approx(exact, rel=sketch.ERROR * (1 + 1e-9), abs=1e-12)


def test_nothing_has_no_quantile() -> None:
    assert math.isnan(sketch.quantile({}, 0.5))


def test_above_the_limit_the_frequent_values_stay_and_no_row_is_lost() -> None:
    many = pl.DataFrame(
        {"t": [f"once {n}" for n in range(3 * KEPT)] + ["often"] * 5, "label": ["yes"] * (3 * KEPT + 5)}
    )
    half = len(many) // 2
    parts = profile(many[:half], SCHEMA), profile(many[half:], SCHEMA)
    for found in (profile(many, SCHEMA), parts[0].merge(parts[1])):
        column = found.columns["t"]
        assert len(column.values) == KEPT
        assert column.values["often"] == 5
        assert sum(column.values.values()) + column.rest == column.present == len(many)


def test_a_column_that_one_side_lacks_counts_there_as_missing() -> None:
    old = profile(pl.DataFrame({"label": ["no", "yes"]}), SCHEMA)
    new = profile(pl.DataFrame({"label": ["no"], "age": [7]}), SCHEMA)
    for merged in (old.merge(new), new.merge(old)):
        assert (merged.columns["age"].kind, merged.columns["age"].rows, merged.columns["age"].missing) == (
            "number",
            3,
            2,
        )


@pytest.mark.parametrize("empty", ["category", "number", "other"])
def test_a_column_without_values_does_not_change_the_kind(empty: str) -> None:
    numbers, nothing = Column("number", rows=2, bins={"+1": 2}), Column(empty, rows=3, missing=3)
    texts = Column("category", rows=1, values={"a": 1})
    assert numbers.merge(nothing).kind == nothing.merge(numbers).kind == "number"
    assert nothing.merge(numbers.merge(nothing)).kind == nothing.merge(numbers).merge(nothing).kind == "number"
    assert numbers.merge(nothing).merge(texts).kind == numbers.merge(texts).kind == "other"


def test_the_labels_of_a_regression_are_not_counted_one_by_one() -> None:
    rows = pl.DataFrame({"label": [0.5, 1.5, 2.5], "sex": ["f", "m", "f"]})
    found = profile(rows, Schema(label="label", task="regression", protected=["sex"]))
    assert (found.labels, found.groups) == ({}, {})
    assert found.columns["label"].mean == 1.5
