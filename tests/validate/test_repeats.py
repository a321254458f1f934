"""Rows that come twice, and people who are known to come back."""

import polars as pl
import pytest

from noria.data.profile import profile
from noria.data.schema import Schema
from noria.validate.repeats import ROWS, repeats

NAMED, NAMELESS = Schema(label="paid", subject="who"), Schema(label="paid")


def rows(first: int, count: int = 3000) -> pl.DataFrame:
    numbers = pl.int_range(first, first + count, eager=True)
    return pl.DataFrame(
        {"who": "p" + numbers.cast(pl.String), "size": (numbers * 7919 % 1_000_003).cast(pl.Float64), "paid": "yes"}
    )


def found(old: pl.DataFrame, new: pl.DataFrame, schema: Schema) -> list[str]:
    return [one.column for one in repeats(profile(old, schema), profile(new, schema), schema)]


@pytest.mark.parametrize(("schema", "column"), [(NAMED, "who"), (NAMELESS, ROWS)])
def test_a_batch_that_comes_twice_or_came_before_is_found_and_other_rows_are_not(schema: Schema, column: str) -> None:
    old, new = rows(0), rows(10_000)
    assert found(old, new, schema) == []
    assert found(old, pl.concat([new, new]), schema) == [column]
    assert found(old, pl.concat([new, new[:400]]), schema) == [column]
    assert found(old, old.sample(2000, seed=0), schema) == [column]
    assert found(old, pl.concat([new, old[:500]]), schema) == [column]


def test_subjects_that_always_had_several_rows_may_come_again() -> None:
    old = pl.concat([rows(0), rows(0)])
    assert found(old, pl.concat([rows(0), rows(0), rows(0)]), NAMED) == []


def test_without_a_baseline_nothing_came_before() -> None:
    for schema in (NAMED, NAMELESS):
        assert list(repeats(None, profile(rows(0), schema), schema)) == []
