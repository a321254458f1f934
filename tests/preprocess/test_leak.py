"""A feature that is the label in another form is refused; one that merely goes well with it is not."""

from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from scipy import sparse

from data.steps import Bench
from noria.data.schema import Schema
from noria.errors import UserCodeFailed
from noria.lifecycle import Lifecycle
from noria.preprocess import leak

COUNT = 300
RANDOM = np.random.default_rng(0)
TWO = np.arange(COUNT) % 2
THREE = np.arange(COUNT) % 3
VALUE = RANDOM.normal(size=COUNT).astype(np.float32)
NOISE = RANDOM.normal(size=COUNT).astype(np.float32)


def found(feature: Any, labels: Any, *, classes: bool = True) -> bool:
    """Whether it is refused, the same if features are sparse; another feature, without meaning, is beside it."""
    features = np.stack([NOISE, np.asarray(feature, dtype=np.float32)], axis=1)
    said = []
    for kind in (features, sparse.csr_matrix(features)):
        try:
            leak.check(kind, labels, ["noise", "it"], classes=classes)
            said.append(False)
        except UserCodeFailed as error:
            said.append("feature 'it' tells the label" in error.what)
    assert said[0] == said[1]
    return said[0]


@pytest.mark.parametrize(
    ("feature", "labels", "refused"),
    [
        (TWO, TWO, True),
        (5 - 2 * TWO, TWO, True),
        (THREE == 1, THREE, True),
        (THREE**2, THREE, True),
        (np.where(np.arange(COUNT) == 7, 1 - TWO, TWO), TWO, False),
        (np.zeros(COUNT), TWO, False),
        (TWO + 0.1 * np.abs(NOISE), TWO, False),
        (np.where(TWO == 1, np.nan, 0), TWO, False),
        (np.arange(COUNT) == 7, (np.arange(COUNT) == 7).astype(int), False),
    ],
    ids=["a copy", "scaled", "one of three", "codes", "but one row", "constant", "spread", "NaN", "one row by chance"],
)
def test_of_classes(feature: Any, labels: Any, refused: bool) -> None:
    assert found(feature, labels) == refused


@pytest.mark.parametrize(
    ("feature", "refused"),
    [(3 - 2 * VALUE, True), (np.exp(VALUE), True), (VALUE + 0.01 * NOISE, False), (NOISE, False), (VALUE > 0, False)],
    ids=["scaled", "its exponential", "nearly", "noise", "its sign"],
)
def test_of_a_regression(feature: Any, refused: bool) -> None:
    assert found(feature, VALUE, classes=False) == refused


def test_a_copy_of_the_label_among_the_columns_ends_preprocessing_with_one_sentence(tmp_path: Path) -> None:
    rows = pl.DataFrame({"age": NOISE, "state": np.where(TWO == 1, "closed", "open"), "paid": np.where(TWO, "y", "n")})
    bench = Bench(tmp_path, Lifecycle("loans", collect="inbox/*.csv", schema=Schema("paid")))
    bench.arrive("1.csv", rows)
    bench.upto("validate")
    with pytest.raises(UserCodeFailed, match="feature 'state_closed' tells the label of every training row") as caught:
        bench.do("preprocess")
    assert "\n" not in str(caught.value)
    assert "Schema(drop=" in caught.value.do
