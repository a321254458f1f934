"""Nobody ever moves from one split to another."""

import os
import subprocess
import sys
from datetime import UTC, date, datetime
from hashlib import blake2b

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binomtest

from noria.data.schema import SPLITS, Schema
from noria.data.split import assign, extended, keys, moments, point, split_of
from noria.errors import BadInput

SHARES = (0.7, 0.15, 0.15)
BY_SUBJECT = Schema(label="y", subject="who")
BY_CONTENT = Schema(label="y")
BY_TIME = Schema(label="y", time="at", split="time")
times = st.lists(st.none() | st.integers(0, 60), min_size=1, max_size=40)
PINNED = {  # never to change: models in use were trained by them
    "a0": ("train", 0.2542), "a1": ("validation", 0.8354), "a2": ("train", 0.3247), "a3": ("validation", 0.8387),
    "Zoë": ("train", 0.1355), "": ("train", 0.4611), "x3": ("analysis", 0.9724),
}  # fmt: skip


@settings(deadline=None)
@given(st.lists(st.tuples(st.sampled_from("abcdefgh"), st.integers(0, 9), st.integers(0, 1)), min_size=1))
def test_all_rows_of_a_subject_are_in_one_split_whatever_else_they_say(rows: list[tuple[str, int, int]]) -> None:
    frame = pl.DataFrame(rows, schema=["who", "x", "y"], orient="row")
    found = frame.with_columns(assign(frame, BY_SUBJECT))
    assert found.select("who", "split").unique().height == found["who"].n_unique()
    assert assign(frame.reverse(), BY_SUBJECT).reverse().to_list() == found["split"].to_list()


def test_the_shares_are_those_that_were_asked_for() -> None:
    frame = pl.DataFrame({"who": [f"person {n}" for n in range(20_000)], "y": 0})
    counts = assign(frame, Schema(label="y", subject="who", shares=(0.5, 0.2, 0.3))).value_counts()
    for name, count in counts.iter_rows():
        share = dict(zip(SPLITS, (0.5, 0.2, 0.3), strict=True))[name]
        assert binomtest(count, 20_000, share).pvalue > 1e-4


def test_raising_a_share_only_takes_from_the_neighbour() -> None:
    before = {f"p{n}": split_of(f"p{n}", SHARES) for n in range(1000)}
    after = {key: split_of(key, (0.8, 0.1, 0.1)) for key in before}
    moved = {(before[key], after[key]) for key in before if before[key] != after[key]}
    assert moved == {("validation", "train"), ("analysis", "validation")}


def test_the_split_of_a_subject_is_the_same_for_ever() -> None:
    assert {key: (split_of(key, SHARES), round(point(key), 4)) for key in PINNED} == PINNED


def test_the_key_of_a_row_without_a_subject_is_the_same_for_ever() -> None:
    frame = pl.DataFrame({"b": [1.5, None], "a": ["x", "y"], "f": [True, None], "y": [0, 1]})
    assert keys(frame, BY_CONTENT).to_list() == ["a\x1ex\x1fb\x1e1.5\x1ff\x1etrue", "a\x1ey"]


def test_the_split_is_the_same_in_another_process() -> None:
    code = (
        "import polars as pl; from noria.data.split import assign; from noria.data.schema import Schema;"
        "f = pl.DataFrame({'x': [1.5, None, 3.0], 'c': ['a', 'b', None], 'y': [0, 1, 0]});"
        "print(','.join(assign(f, Schema(label='y'))))"
    )
    there = {
        subprocess.run(
            [sys.executable, "-c", code],
            env={**os.environ, "PYTHONHASHSEED": seed},
            check=True,
            capture_output=True,
            text=True,
        ).stdout.strip()
        for seed in ("1", "2")
    }
    frame = pl.DataFrame({"x": [1.5, None, 3.0], "c": ["a", "b", None], "y": [0, 1, 0]})
    assert there == {",".join(assign(frame, BY_CONTENT))}


@settings(deadline=None)
@given(st.lists(st.tuples(st.none() | st.integers(0, 5), st.none() | st.sampled_from("ab")), min_size=1))
def test_rows_of_equal_content_are_together_even_with_another_label_or_place(
    rows: list[tuple[int | None, str | None]],
) -> None:
    frame = pl.DataFrame(rows, schema={"x": pl.Int64, "c": pl.String}, orient="row")
    one = frame.with_columns(y=pl.lit("yes"), _batch=pl.lit("b1"), _row=pl.int_range(pl.len()))
    two = frame.with_columns(y=pl.lit("no"), _batch=pl.lit("b2"), _row=pl.int_range(pl.len()) + 7)
    assert assign(one, BY_CONTENT).to_list() == assign(two.select(sorted(two.columns)), BY_CONTENT).to_list()


def test_a_column_that_arrives_later_moves_nobody() -> None:
    frame = pl.DataFrame({"x": range(500), "y": 0})
    later = frame.with_columns(pl.lit(None, dtype=pl.String).alias("job"))
    assert assign(later, BY_CONTENT).to_list() == assign(frame, BY_CONTENT).to_list()
    assert assign(later.with_columns(who=pl.lit(None)), BY_SUBJECT).to_list() == assign(frame, BY_CONTENT).to_list()


@pytest.mark.parametrize(
    ("one", "other"),
    [({"a": "x", "b": None}, {"a": None, "b": "x"}), ({"a": "x", "b": "y"}, {"a": "xy", "b": ""})],
    ids=["another column", "another border"],
)
def test_different_contents_have_different_keys(one: dict[str, str | None], other: dict[str, str | None]) -> None:
    kinds = {"a": pl.String, "b": pl.String, "y": pl.Int64}
    frame = pl.DataFrame([{**one, "y": 0}, {**other, "y": 0}], schema=kinds)
    assert keys(frame, BY_CONTENT).n_unique() == 2


@settings(deadline=None)
@given(st.lists(st.text(max_size=140), min_size=1))
def test_the_splits_of_many_keys_are_those_of_each(names: list[str]) -> None:
    frame = pl.DataFrame({"who": names, "y": 0}, schema_overrides={"who": pl.String})
    assert assign(frame, BY_SUBJECT).to_list() == [split_of(name, SHARES) for name in names]
    digest = blake2b(names[0].encode(), digest_size=4, key=b"noria split 1").digest()
    assert point(names[0]) == int.from_bytes(digest, "big") / 2**32


def at(values: list[int | None]) -> pl.DataFrame:
    return pl.DataFrame({"at": values, "y": 0, "x": range(len(values))}, schema_overrides={"at": pl.Int64})


@settings(deadline=None)
@given(st.lists(times, min_size=1, max_size=5))
def test_by_time_no_row_moves_when_others_arrive_early_or_late(arrivals: list[list[int | None]]) -> None:
    cuts: list[tuple[float, str]] = []
    held: list[int | None] = []
    before: list[str] = []
    for fresh in arrivals:
        held += fresh
        cuts = extended(cuts, moments(at(fresh), BY_TIME), SHARES)
        now = assign(at(held), BY_TIME, cuts).to_list()
        assert now[: len(before)] == before
        before = now
    assert [end for end, _ in cuts] == sorted({end for end, _ in cuts})


def test_the_key_that_proves_splits_by_time_disjoint_is_the_time_where_there_is_one() -> None:
    schema = Schema(label="y", subject="who", time="at", split="time")
    frame = pl.DataFrame({"at": [7, None, None], "who": ["a", "b", None], "y": 0, "x": 1})
    assert keys(frame, schema).to_list() == ["7", "b", "x\x1e1"]


@settings(deadline=None)
@given(times)
def test_by_time_rows_of_one_moment_are_together_and_the_newest_are_for_analysis(values: list[int | None]) -> None:
    found = at(values).with_columns(assign(at(values), BY_TIME)).drop_nulls("at")
    assert found.select("at", "split").unique().height == found["at"].n_unique()
    if found["at"].n_unique() >= len(SPLITS):
        order = found.sort("at")["split"].unique(maintain_order=True).to_list()
        assert order == list(SPLITS)


def test_by_time_the_shares_are_those_that_were_asked_for_of_each_stretch() -> None:
    cuts = extended(extended((), moments(at(list(range(1000))), BY_TIME), SHARES), pl.Series(range(1000, 1100)), SHARES)
    old, new = (assign(at(list(rows)), BY_TIME, cuts).value_counts() for rows in (range(1000), range(1000, 1100)))
    assert dict(old.iter_rows()) == {"train": 700, "validation": 150, "analysis": 150}
    assert dict(new.iter_rows()) == {"train": 70, "validation": 15, "analysis": 15}


def test_small_stretches_of_time_are_shared_out_too() -> None:
    cuts: list[tuple[float, str]] = []
    for moment in range(2000):
        cuts = extended(cuts, pl.Series([float(moment)]), SHARES)
    train = sum(split == "train" for _, split in cuts)
    assert binomtest(train, 2000, SHARES[0]).pvalue > 1e-4


def test_dates_times_and_zones_are_the_same_moments() -> None:
    day = datetime(2026, 3, 1)
    kinds = [date(2026, 3, 1), day, day.replace(tzinfo=UTC)]
    frames = [pl.DataFrame({"at": [kind, None], "y": 0}) for kind in kinds]
    assert {moments(frame, BY_TIME)[0] for frame in frames} == {day.replace(tzinfo=UTC).timestamp() * 1e6}


@pytest.mark.parametrize("column", [{"at": ["spring"]}, {"x": [1]}])
def test_what_is_no_time_cannot_be_cut(column: dict[str, list[object]]) -> None:
    with pytest.raises(BadInput, match="the split goes by it"):
        assign(pl.DataFrame({**column, "y": 0}), BY_TIME)
