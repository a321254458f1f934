"""Statistics that merge: the profile of two parts together is the profile of the whole."""

import json
import math
from collections import Counter
from datetime import UTC, date, datetime, time, timedelta
from functools import reduce
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import noria.data.profile
from noria.data import distinct, sketch
from noria.data.column import Column
from noria.data.distinct import KEPT
from noria.data.profile import Profile, profile
from noria.data.schema import Schema

SCHEMA = Schema(label="label", protected=["sex"])
KINDS = {
    "number": pl.Float64,
    "whole": pl.Int64,
    "text": pl.String,
    "flag": pl.Boolean,
    "day": pl.Date,
    "moment": pl.Datetime("us"),
    "huge": pl.Int64,
    "unsigned": pl.UInt64,
    "small": pl.Int8,
    "price": pl.Decimal(12, 2),
    "zoned": pl.Datetime("ms", "Europe/Oslo"),
    "clock": pl.Time,
    "span": pl.Duration("us"),
    "closed": pl.Enum(["a", "b", "c"]),
    "bytes": pl.Binary,
    "list": pl.List(pl.Int64),
    "struct": pl.Struct({"x": pl.Int64}),
    "nothing": pl.Null,
    "sex": pl.String,
    "label": pl.String,
}
NEAR = st.sampled_from([2**53 - 1, 2**53, 2**53 + 1, 2**53 + 2, 2**63 - 1])
WHOLE = ("whole", "huge", "unsigned", "small")
MOMENTS = st.datetimes(datetime(1900, 1, 1), datetime(2100, 1, 1))
ROW = st.fixed_dictionaries(
    {
        "number": st.none()
        | st.sampled_from([math.nan, math.inf, -math.inf, 0.0, -0.0])
        | st.floats(-1e9, 1e9).map(lambda v: round(v, 3)),
        "whole": st.none() | st.integers(-1000, 1000),
        "text": st.none() | st.text("aäb\n, ", max_size=3),
        "flag": st.none() | st.booleans(),
        "day": st.none() | st.dates(date(1900, 1, 1), date(2100, 1, 1)),
        "moment": st.none() | MOMENTS,
        "huge": st.none() | NEAR | st.integers(-(2**63), 2**63 - 1),
        "unsigned": st.none() | NEAR | st.integers(0, 2**64 - 1),
        "small": st.none() | st.integers(-128, 127),
        "price": st.none() | st.decimals(-(10**6), 10**6, places=2),
        "zoned": st.none() | MOMENTS.map(lambda at: at.replace(tzinfo=UTC)),
        "clock": st.none() | st.times(),
        "span": st.none() | st.timedeltas(timedelta(-999), timedelta(999)),
        "closed": st.none() | st.sampled_from("abc"),
        "bytes": st.none() | st.binary(max_size=3),
        "list": st.none() | st.lists(st.integers(0, 3), max_size=2),
        "struct": st.none() | st.fixed_dictionaries({"x": st.none() | st.integers(0, 3)}),
        "nothing": st.none(),
        "sex": st.none() | st.sampled_from("fm"),
        "label": st.none() | st.sampled_from(["yes", "no"]),
    }
)
ROWS = st.lists(ROW, max_size=12)


def frame(rows: list[dict[str, object]]) -> pl.DataFrame:
    return pl.DataFrame(rows, schema=KINDS, orient="row")


def same(one: Profile, two: Profile) -> None:
    """Equal in every count; sums within rounding: of a distance that is a unit in the last place of the largest."""
    a, b = one.to_json(), two.to_json()
    for name in a["columns"]:
        x, y = a["columns"][name], b["columns"][name]
        unit = np.spacing(max(abs(float(y["low"] or 0)), abs(float(y["high"] or 0))))
        rounding = 2 * unit * math.sqrt(y["rows"] * y["spread"]) + y["rows"] * unit**2
        assert x.pop("total") == pytest.approx(y.pop("total"), rel=1e-9, abs=1e-3)
        assert x.pop("spread") == pytest.approx(y.pop("spread"), rel=1e-9, abs=1e-3 + rounding)
    assert a == b


@settings(deadline=None, max_examples=40)
@given(st.lists(ROWS, min_size=2, max_size=4))
def test_a_merge_is_the_profile_of_all_rows_whatever_the_grouping_and_the_order(
    parts: list[list[dict[str, object]]],
) -> None:
    each = [profile(frame(rows), SCHEMA) for rows in parts]
    whole = profile(pl.concat([frame(rows) for rows in parts]), SCHEMA)
    same(reduce(Profile.merge, each), whole)
    same(reduce(lambda later, earlier: earlier.merge(later), reversed(each)), whole)
    same(reduce(Profile.merge, reversed(each)), whole)


def whole(text: str) -> int:
    return int(text) if text.lstrip("-").isdigit() else int(float(text))


@settings(deadline=None, max_examples=40)
@given(st.lists(ROWS, min_size=2, max_size=3))
def test_of_integers_sum_ends_and_every_value_are_exact(parts: list[list[dict[str, object]]]) -> None:
    found = reduce(Profile.merge, [profile(frame(rows), SCHEMA) for rows in parts])
    for name in WHOLE:
        column = found.columns[name]
        held = [row[name] for rows in parts for row in rows if row[name] is not None]
        assert (column.total, column.low, column.high) == (sum(held), min(held, default=None), max(held, default=None))
        assert {whole(text): rows for text, rows in column.values.items()} == Counter(held)
        assert column.distinct == len(set(held))
        hashes = distinct.of_wholes(pl.Series(held, dtype=KINDS[name]).to_numpy())
        assert set(column.sampled()) == set(hashes.tolist())


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
    row = {**dict.fromkeys(KINDS), "number": 1.5, "label": "yes", "sex": "f"}
    rows = frame([{**row, "text": text} for text in ("ä", "b", "b", "a")])
    found = profile(rows, SCHEMA)
    kept = Profile.from_json(json.loads(json.dumps(found.to_json(), sort_keys=True)))
    assert kept == found
    assert list(kept.columns["text"].values) == ["b", "a", "ä"]  # the most frequent first


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
    once = [f"once {n}" for n in range(3 * KEPT)]
    often = [f"often {n % 7}" for n in range(700)]
    many = pl.DataFrame({"t": [*once[: KEPT * 2], *often, *once[KEPT * 2 :]], "label": ["yes"] * (3 * KEPT + 700)})
    half = len(many) // 2
    parts = profile(many[:half], SCHEMA), profile(many[half:], SCHEMA)
    for found in (profile(many, SCHEMA), parts[0].merge(parts[1])):
        column = found.columns["t"]
        assert {value: 100 - count <= column.short for value, count in column.values.items()} == {
            f"often {n}": True for n in range(7)
        }
        assert sum(column.values.values()) + column.rest == column.present == len(many)
        assert column.distinct == pytest.approx(3 * KEPT + 7, rel=4 * distinct.ERROR)


@settings(deadline=None, max_examples=15)
@given(st.lists(st.integers(0, 4000), min_size=3, max_size=3), st.integers(0, 2**32 - 1))
def test_above_the_limit_too_the_sample_of_values_does_not_depend_on_grouping_or_order(
    sizes: list[int], seed: int
) -> None:
    random = np.random.default_rng(seed)
    rows = [
        pl.DataFrame(
            {
                "n": random.integers(0, 3000, size).astype(np.float64),
                "label": pl.Series(["yes"] * size, dtype=pl.String),
            }
        ).with_columns(t="v" + pl.col("n").cast(pl.String))
        for size in sizes
    ]
    a, b, c = (profile(one, SCHEMA) for one in rows)
    whole = profile(pl.concat(rows), SCHEMA)
    for found in (a.merge(b).merge(c), a.merge(b.merge(c)), c.merge(a).merge(b)):
        for name in "nt":
            one, all_of_them = found.columns[name], whole.columns[name]
            assert (one.sample, one.distinct, one.bins) == (all_of_them.sample, all_of_them.distinct, all_of_them.bins)
    exact = pl.concat(rows)["n"].n_unique()
    assert whole.columns["n"].distinct == pytest.approx(exact, rel=5 * distinct.ERROR if exact > KEPT else 0)


def test_a_file_is_profiled_in_pieces_and_the_pieces_do_not_show(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    random = np.random.default_rng(0)
    rows = pl.DataFrame(
        {
            "number": random.lognormal(3, 2, 5000),
            "text": random.choice(["a b", "c", "déjà vu"], 5000),
            "moment": pl.Series(random.integers(0, 10**15, 5000)).cast(pl.Datetime("us")),
            "sex": random.choice(["f", "m"], 5000),
            "label": random.choice(["no", "yes"], 5000),
        }
    )
    rows.write_parquet(tmp_path / "rows.parquet", row_group_size=700)
    whole = profile(rows, SCHEMA)
    monkeypatch.setattr(noria.data.profile, "CELLS", 1)  # so that the least rows are looked at together
    same(profile(pl.scan_parquet(tmp_path / "rows.parquet"), SCHEMA), whole)


def test_texts_that_hardly_repeat_are_looked_at_one_by_one_with_the_same_result(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    random = np.random.default_rng(0)
    texts = [random.choice(["a b ", "\u00e4\u2003", "\tx" * 200]) + str(n) for n in range(6000)]
    often = random.random(6000) < 0.1
    rows = pl.DataFrame({"text": ["often" if hit else text for hit, text in zip(often, texts)], "label": "yes"})
    whole = profile(rows, SCHEMA).columns["text"]
    monkeypatch.setattr(noria.data.profile, "CELLS", 1)  # so that there are pieces after the first
    pieces = profile(rows, SCHEMA).columns["text"]
    for name in ("rows", "length", "longest", "tokens", "bins", "sample", "distinct", "present"):
        assert getattr(pieces, name) == getattr(whole, name), name
    assert whole.values == {"often": often.sum()}
    assert pieces.values["often"] <= often.sum() <= pieces.values["often"] + pieces.short
    assert sum(pieces.values.values()) + pieces.rest == 6000
    assert whole.tokens == sum(len(text.split()) for text in rows["text"])


def test_a_protected_column_with_too_many_groups_has_none() -> None:
    rows = pl.DataFrame({"sex": [f"group {n}" for n in range(2 * KEPT)], "label": ["no", "yes"] * KEPT})
    halves = profile(rows[:KEPT], SCHEMA), profile(rows[KEPT:], SCHEMA)
    assert len(halves[0].groups["sex"]) == KEPT
    assert profile(rows, SCHEMA).groups == halves[0].merge(halves[1]).groups == {}
    assert profile(rows, SCHEMA).labels == {"no": KEPT, "yes": KEPT}


def test_the_mean_and_the_spread_of_large_numbers_keep_their_digits() -> None:
    random = np.random.default_rng(0)
    stamps = 1.7e15 + random.normal(0, 1, 10_000)
    parts = [profile(pl.DataFrame({"x": part, "label": "yes"}), SCHEMA) for part in np.split(stamps, 10)]
    column = reduce(Profile.merge, parts).columns["x"]
    assert column.mean == pytest.approx(stamps.mean(), rel=1e-12)
    assert column.deviation == pytest.approx(stamps.std(), rel=1e-3)


def test_times_know_their_days_and_the_longest_gap_whatever_the_zone() -> None:
    days = [date(2024, 1, 1), date(2024, 1, 2), date(2024, 1, 2), date(2024, 1, 9), None]
    rows = pl.DataFrame({"day": days, "label": "yes"}).with_columns(
        moment=pl.col("day").cast(pl.Datetime("ms")).dt.replace_time_zone("Asia/Tokyo")
    )
    found = profile(rows, SCHEMA)
    assert (found.columns["day"].gap, found.columns["day"].bins) == (6, {19723: 1, 19724: 2, 19731: 1})
    moment = found.columns["moment"]
    assert (moment.gap, moment.first) == (6, "2023-12-31 15:00:00.000")


def test_texts_know_their_lengths_and_words_and_long_ones_are_cut() -> None:
    long = "word " * 100
    rows = pl.DataFrame({"t": ["one two", "", " three  four ", long, long + "!"], "label": "yes"})
    column = profile(rows, SCHEMA).columns["t"]
    assert (column.longest, column.tokens, column.length) == (501, 2 + 2 + 100 + 101, 7 + 13 + 500 + 501)
    assert len(column.values) == column.distinct == 5
    assert max(map(len, column.values)) < 256


def test_few_different_numbers_are_counted_each() -> None:
    rows = pl.DataFrame({"x": [3, 1, 3, None, 2, 3], "y": [0.5, -0.0, 0.0, 0.5, math.inf, 1e300], "label": "yes"})
    found = profile(rows, SCHEMA)
    assert dict(found.columns["x"].values) == {"3": 3, "1": 1, "2": 1}
    assert dict(found.columns["y"].values) == {"0.5": 2, "0": 2, "1e+300": 1}


def test_a_profile_of_the_first_format_is_read() -> None:
    first = {
        "kind": "number", "rows": 4, "missing": 1, "zero": 1, "negative": 1, "infinite": 0, "total": 8.0,
        "squares": 104.0, "low": -2.0, "high": 10.0, "first": None, "last": None, "length": 0,
        "bins": {"+116": 1, "-35": 1, "0": 1}, "values": {}, "rest": 0,
    }  # fmt: skip
    found = Profile.from_json({"rows": 4, "columns": {"x": first}, "labels": {"yes": 4}, "groups": {}})
    column = found.columns["x"]
    assert column.deviation == pytest.approx(np.std([-2, 0, 10]))
    assert [sketch.quantile(column.bins, q) for q in (0, 0.5, 1)] == pytest.approx([-2, 0, 10], rel=0.03)
    fresh = profile(pl.DataFrame({"x": [10.0], "label": "yes"}), SCHEMA)
    assert found.merge(fresh).columns["x"].mean == pytest.approx(18 / 4)


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
    numbers, nothing = Column("number", rows=2, bins={1 << 16: 2}), Column(empty, rows=3, missing=3)
    texts = Column("category", rows=1, values={"a": 1})
    assert numbers.merge(nothing).kind == nothing.merge(numbers).kind == "number"
    assert nothing.merge(numbers.merge(nothing)).kind == nothing.merge(numbers).merge(nothing).kind == "number"
    assert numbers.merge(nothing).merge(texts).kind == numbers.merge(texts).kind == "other"


def test_the_labels_of_a_regression_are_not_counted_one_by_one() -> None:
    rows = pl.DataFrame({"label": [0.5, 1.5, 2.5], "sex": ["f", "m", "f"]})
    found = profile(rows, Schema(label="label", task="regression", protected=["sex"]))
    assert (found.labels, found.groups) == ({}, {})
    assert found.columns["label"].mean == 1.5


def test_every_type_of_column_has_a_profile_that_merges_and_is_kept() -> None:
    moments = pl.Series([datetime(1, 1, 1), None, datetime(9999, 12, 31)])
    rows = pl.DataFrame(
        {
            "label": ["no", "yes", "no"],
            "null": pl.Series([None, None, None], dtype=pl.Null),
            "decimal": pl.Series(["1.10", None, "-2.20"]).cast(pl.Decimal(10, 2)),
            "huge": pl.Series([2**100, 0, -(2**100)], dtype=pl.Int128),
            "list": [[1, 2], None, []],
            "struct": [{"a": 1}, {"a": None}, {"a": 3}],
            "kind": pl.Series(["a", None, "b"], dtype=pl.Categorical),
            "closed": pl.Series(["a", None, "b"], dtype=pl.Enum(["a", "b"])),
            "bytes": [b"a", None, b"\xff"],
            "moment": moments,
            "zoned": moments.dt.replace_time_zone("UTC"),
            "time": [time(1), None, time(23, 59)],
            "span": [timedelta(1), None, timedelta(days=-1)],
            "none": pl.Series([None, None, None], dtype=pl.Datetime("ms")),
            "extreme": [1e308, -1e308, math.inf],
        }
    )
    found = profile(rows, SCHEMA)
    kinds = {name: column.kind for name, column in found.columns.items()}
    assert {name for name, kind in kinds.items() if kind == "number"} == {"decimal", "huge", "extreme"}
    assert {name for name, kind in kinds.items() if kind == "category"} == {"label", "kind", "closed"}
    assert (found.columns["decimal"].low, found.columns["huge"].high) == (-2.2, 2.0**100)
    assert {name: column.missing for name, column in found.columns.items() if column.missing != 1} == {
        "label": 0, "null": 3, "struct": 0, "none": 3, "extreme": 0, "huge": 0,
    }  # fmt: skip
    merged = found.merge(profile(rows, SCHEMA))
    assert {column.rows for column in merged.columns.values()} == {6}
    assert Profile.from_json(json.loads(json.dumps(merged.to_json()))).to_json().keys() == merged.to_json().keys()
