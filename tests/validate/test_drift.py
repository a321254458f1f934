"""Distributions that moved far and surely are found; all others stay quiet, however many there are."""

from typing import Any

import numpy as np
import polars as pl
import pytest
from scipy.spatial.distance import jensenshannon

from noria.data.moved import between
from noria.data.profile import Profile, profile
from noria.data.schema import Schema
from noria.validate.config import Validate
from noria.validate.drift import drift

SCHEMA = Schema(label="paid", subject="who")
BASE = pl.DataFrame(
    {
        "who": [f"p{n}" for n in range(200)],
        "age": [20.0 + n % 50 for n in range(200)],
        "job": ["clerk", "nurse", "smith", None] * 50,
        "vip": [True, False] * 100,
        "paid": ["yes", "no"] * 100,
    }
)


def of(**columns: Any) -> Profile:
    return profile(pl.DataFrame(columns).with_columns(paid=pl.lit("yes")), SCHEMA)


@pytest.mark.parametrize(
    ("change", "moved"),
    [
        ({}, {}),
        ({"age": pl.col("age").reverse()}, {}),
        ({"age": pl.lit(None, pl.Float64)}, {}),  # missing, not moved
        ({"job": pl.lit("smith")}, {"job": jensenshannon([1 / 3] * 3, [0, 0, 1], base=2)}),
        ({"vip": pl.lit(True)}, {"vip": jensenshannon([0.5] * 2, [0, 1], base=2)}),
        ({"who": pl.lit("p1"), "paid": pl.lit("yes")}, {}),  # subject and label have rules of their own
    ],
)
def test_a_distribution_that_moved_is_measured(change: dict[str, Any], moved: dict[str, float]) -> None:
    now = profile(BASE.with_columns(**change), SCHEMA)
    found = drift(profile(BASE, SCHEMA), now, SCHEMA, Validate())
    assert {one.column: one.evidence["jensen_shannon"] for one in found} == pytest.approx(moved)


def test_numbers_drift_over_the_tenths_of_the_baseline() -> None:
    """A tenth of the rows in each cell before; afterwards half in the first cell and half in the last."""
    before, after = of(x=[2.0**n for n in range(10)] * 100), of(x=[0.5, 5000.0] * 100)
    [one] = drift(before, after, SCHEMA, Validate())
    want = jensenshannon([0.1] * 10, [0.5] + [0] * 8 + [0.5], base=2)
    assert one.evidence["jensen_shannon"] == pytest.approx(want)
    assert list(drift(before, before, SCHEMA, Validate(drift=1e-9, wasserstein=1e-9))) == []


def test_a_table_of_five_hundred_columns_that_did_not_move_stays_quiet_and_one_that_moved_is_found_in_it() -> None:
    random = np.random.default_rng(0)
    sensitive = Validate(drift=1e-6, wasserstein=1e-6, l_infinity=1e-6, psi=1e-6)  # every column counts as far

    def rows(moved: float) -> pl.DataFrame:
        numbers = {f"n{i}": random.normal(0, 1, 300) for i in range(300)}
        kinds = {f"k{i}": random.choice(["a", "b", "c", "d"], 300, p=[0.6, 0.3, 0.09, 0.01]) for i in range(200)}
        return pl.DataFrame({**numbers, **kinds, "moved": random.normal(moved, 1, 300)})

    for moved, want in ((0.0, []), (1.0, ["moved"])):
        before, after = profile(rows(0.0), SCHEMA), profile(rows(moved), SCHEMA)
        assert [one.column for one in drift(before, after, SCHEMA, sensitive)] == want
        assert [one.column for one in drift(before, after, SCHEMA, Validate())] == want


def test_a_small_move_of_many_rows_is_sure_but_not_far() -> None:
    random = np.random.default_rng(0)
    [one] = between(of(x=random.normal(0, 1, 50_000)), of(x=random.normal(0.1, 1, 50_000)), SCHEMA, Validate())
    assert (one.p < 1e-9, one.moved) == (True, False)
    assert one.measures["wasserstein"] == pytest.approx(0.1, abs=0.02)


def test_a_few_rows_far_away_are_a_matter_of_range_and_not_of_drift() -> None:
    before, after = of(x=[float(n % 50) for n in range(1000)]), of(x=[1e9] + [float(n % 50) for n in range(999)])
    assert list(drift(before, after, SCHEMA, Validate())) == []


def test_categories_have_their_largest_change_and_their_stability_index() -> None:
    before, after = of(k=["a"] * 500 + ["b"] * 500), of(k=["a"] * 700 + ["b"] * 300)
    [one] = between(before, after, SCHEMA, Validate())
    assert one.moved
    assert one.measures["l_infinity"] == pytest.approx(0.2)
    assert one.measures["psi"] == pytest.approx(0.2 * np.log(0.7 / 0.5) - 0.2 * np.log(0.3 / 0.5))


def test_of_very_many_categories_the_frequent_ones_are_compared_and_of_names_the_lengths() -> None:
    random = np.random.default_rng(0)

    def kinds(power: float) -> list[str]:
        return [f"k{int(n)}" for n in random.pareto(power, 20_000) * 100]

    before = of(k=kinds(0.7), name=[f"name {n}" for n in range(20_000)])
    assert before.columns["k"].rest
    assert list(drift(before, of(k=kinds(0.7), name=[f"mine {n}" for n in range(20_000)]), SCHEMA, Validate())) == []
    moved = of(k=["k0", "k1"] * 10_000, name=[f"a longer name than {n}" for n in range(20_000)])
    assert {one.column for one in drift(before, moved, SCHEMA, Validate())} == {"k", "name"}
