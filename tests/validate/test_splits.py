"""Whether what is learned from and what is judged by are alike."""

from datetime import datetime, timedelta

import numpy as np
import polars as pl

from noria.data import split
from noria.data.profile import profile
from noria.data.schema import Schema
from noria.validate.config import Validate
from noria.validate.findings import SOME, Fresh, findings
from noria.validate.splits import feature_skew

BY_SUBJECT = Schema(label="paid", subject="who")
BY_TIME = Schema(label="paid", subject="who", time="at", split="time")
BEGIN = datetime(2026, 1, 1)


def rows(count: int = 4000, seed: int = 0) -> pl.DataFrame:
    random = np.random.default_rng(seed)
    return pl.DataFrame(
        {
            "who": [f"p{n}" for n in range(count)],
            "at": [BEGIN + timedelta(minutes=n) for n in range(count)],
            "age": random.normal(40, 10, count),
            "job": random.choice(["clerk", "nurse"], count),
            "paid": random.choice(["yes", "no"], count),
        }
    )


def test_splits_by_chance_are_alike() -> None:
    for seed in range(5):
        assert [*feature_skew(rows(seed=seed), BY_SUBJECT, Validate())] == []


def test_a_column_that_is_otherwise_where_the_model_is_judged_is_named_with_the_split() -> None:
    frame = rows()
    judged = split.assign(frame, BY_SUBJECT) == "analysis"
    moved = frame.with_columns(age=pl.col("age") + 20 * judged.cast(pl.Int64))
    (one,) = feature_skew(moved, BY_SUBJECT, Validate())
    assert (one.rule, one.column, one.severity) == ("split_skew", "age", "warn")
    assert "between train and analysis split" in one.what


def test_by_time_the_cuts_on_record_say_which_row_is_of_which_split() -> None:
    """All rows are of a time that was cut before: by themselves they would be cut anew."""
    frame = rows()
    late = frame["at"] >= frame["at"][2000]
    moved = frame.with_columns(age=pl.col("age") + 20 * late.cast(pl.Int64))
    ends = split.moments(frame[[1999, 3999]], BY_TIME).to_list()
    known = [(ends[0], "train"), (ends[1], "validation")]
    (one,) = feature_skew(moved, BY_TIME, Validate(), known)
    assert (one.column, "between train and validation split" in one.what) == ("age", True)
    assert [*feature_skew(moved, BY_TIME, Validate(), [(ends[1], "train")])] == []
    assert {one.what[-35:] for one in feature_skew(moved, BY_TIME, Validate())} != {one.what[-35:]}


def test_rows_in_the_order_of_time_are_looked_at_from_first_to_last() -> None:
    frame = rows(3 * SOME)
    moved = frame.with_columns(job=pl.when(pl.int_range(pl.len()) > 2.6 * SOME).then(pl.lit("nurse")).otherwise("job"))
    found = findings(Fresh(profile(moved, BY_TIME), BEGIN + timedelta(days=90), moved), None, BY_TIME, Validate())
    assert [(one.rule, one.column) for one in found] == [("split_skew", "job")]
