"""Features that know the label."""

import numpy as np
import polars as pl
import pytest

from noria.data.schema import Schema
from noria.validate.leakage import leaks

COUNT = 2000
RANDOM = np.random.default_rng(0)
LABEL = RANDOM.choice(["no", "yes", "maybe"], COUNT, p=[0.8, 0.15, 0.05])
NUMBER = np.select([LABEL == "no", LABEL == "yes"], [0.0, 1.0], 2.0)
NOISY = np.where(RANDOM.random(COUNT) < 0.1, RANDOM.integers(0, 3, COUNT), NUMBER)


@pytest.mark.parametrize(
    ("feature", "leaking"),
    [
        (LABEL, True),
        (np.where(LABEL == "no", "n", None), False),  # it tells two of three
        (np.where(LABEL == "no", None, LABEL), True),  # what is missing tells too
        (NUMBER, True),
        (NUMBER * 100 + RANDOM.random(COUNT), True),
        (np.where(LABEL == "no", np.nan, NUMBER), True),
        (NOISY, False),
        (RANDOM.normal(0, 1, COUNT), False),
        (np.arange(COUNT), False),
        (np.array([f"name {n}" for n in range(COUNT)]), False),
        (np.full(COUNT, "same"), False),
        (np.full(COUNT, np.nan), False),
    ],
)
def test_a_feature_leaks_if_the_label_follows_from_it(feature: np.ndarray, leaking: bool) -> None:
    rows = pl.DataFrame({"x": pl.Series(feature.tolist(), strict=False), "label": LABEL})
    assert [one.column for one in leaks(rows, Schema(label="label"))] == ["x"] * leaking
    assert list(leaks(rows, Schema(label="label", drop=["x"]))) == []


def test_few_rows_prove_nothing_and_a_regression_has_no_classes() -> None:
    rows = pl.DataFrame({"x": NUMBER, "label": LABEL})
    assert list(leaks(rows[:30], Schema(label="label"))) == []
    assert list(leaks(rows.with_columns(label="x"), Schema(label="label", task="regression"))) == []
    assert list(leaks(rows[:0], Schema(label="label"))) == []
