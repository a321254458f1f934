"""Numbers that lost digits are named; numbers that moved, or are few, are not."""

import numpy as np
import polars as pl
import pytest

from noria.data.profile import profile
from noria.data.schema import Schema
from noria.validate.grain import coarser

SCHEMA = Schema(label="paid")


def numbers(seed: int, count: int, *, mean: float = 20.0, spread: float = 6.0) -> pl.DataFrame:
    random = np.random.default_rng(seed)
    return pl.DataFrame(
        {
            "t": random.normal(mean, spread, count).round(1),
            "n": random.poisson(3, count).astype(float),
            "paid": random.choice(["yes", "no"], count),
        }
    )


def found(old: pl.DataFrame, new: pl.DataFrame) -> list[str]:
    return [one.column for one in coarser(profile(old, SCHEMA), profile(new, SCHEMA), SCHEMA)]


@pytest.mark.parametrize("old", [300, 10_000])
@pytest.mark.parametrize("new", [300, 2_000, 20_000])
def test_rows_of_the_same_kind_are_as_fine_whatever_their_number(old: int, new: int) -> None:
    assert [name for seed in range(10) for name in found(numbers(seed, old), numbers(100 + seed, new))] == []


@pytest.mark.parametrize("new", [300, 2_000, 20_000])
def test_rounded_numbers_are_named(new: int) -> None:
    rounded = numbers(1, new).with_columns(pl.col("t").round(0))
    assert found(numbers(0, 10_000), rounded) == ["t"]


def test_numbers_that_moved_as_a_whole_did_not_lose_their_steps() -> None:
    old = numbers(0, 10_000)
    assert found(old, numbers(1, 2_000, mean=26)) == []
    assert found(old, numbers(1, 2_000, mean=23, spread=4)) == []
    assert found(old, old.filter(pl.col("t") > 20)) == []
