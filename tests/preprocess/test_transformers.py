"""What all transformers of texts, lists and dates have in common."""

import pickle
import re
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import sparse
from sklearn.base import clone
from sklearn.utils.estimator_checks import parametrize_with_checks

import noria as nr
from noria.model import sklearn

KINDS: list[Any] = [
    nr.MultiHot(),
    nr.MultiHot(unseen="count", sparse_output=True, max_size=3),
    nr.CharIndices(8),
    nr.CharIndices(8, ragged_output=True),
    nr.TokenIndices(4),
    nr.TokenIndices(4, ragged_output=True),
    nr.TokenVectors(3),
    nr.TokenVectors(2, weights="mean"),
    nr.Dates(),
]
DENSE = [kind for kind in KINDS if not (getattr(kind, "sparse_output", 0) or getattr(kind, "ragged_output", 0))]
each = pytest.mark.parametrize("kind", KINDS, ids=repr)
TEXTS = pd.DataFrame(
    {
        "one": ["red|blue", "2024-02-29", None, "a red boat", "missing"],
        "two": ["2024-01-31", "b", "blue", float("nan"), "2023-12-31 23:59:00.000000 UTC"],
    },
    dtype=object,
)


def dense(found: Any) -> Any:
    return found.toarray() if sparse.issparse(found) else np.asarray(found)


@parametrize_with_checks(KINDS)
def test_it_keeps_scikit_learns_contract(estimator: Any, check: Any) -> None:
    check(estimator)


@each
def test_the_names_count_the_features_and_begin_with_their_column(kind: Any) -> None:
    fitted = clone(kind).fit(TEXTS)
    names = fitted.get_feature_names_out().tolist()
    found = fitted.transform(TEXTS)
    assert found.shape == (5, len(names))
    assert len(set(names)) == len(names)
    assert {name.split("_")[0] for name in names} == {"one", "two"}


@each
def test_a_missing_cell_is_the_same_however_it_is_missing(kind: Any) -> None:
    rows = pd.DataFrame(
        {"one": [None, float("nan"), pd.NA, np.float32("nan"), "missing"], "two": ["x"] * 5}, dtype=object
    )
    found = dense(clone(kind).fit(TEXTS).transform(rows))
    assert np.array_equal(found, np.repeat(found[:1], 5, axis=0), equal_nan=True)


@pytest.mark.parametrize("kind", DENSE, ids=repr)
def test_it_gives_frames_on_demand(kind: Any) -> None:
    table = clone(kind).set_output(transform="pandas").fit_transform(TEXTS)
    assert table.columns.tolist() == clone(kind).fit(TEXTS).get_feature_names_out().tolist()


def test_ragged_features_are_no_table() -> None:
    with pytest.raises(ValueError, match="ragged features are no table"):
        nr.CharIndices(ragged_output=True).set_output(transform="pandas").fit_transform(TEXTS)


@each
def test_a_series_is_a_table_of_one_column(kind: Any) -> None:
    one, table = (dense(clone(kind).fit_transform(rows)) for rows in (TEXTS["one"], TEXTS[["one"]]))
    assert np.array_equal(one, table, equal_nan=True)


@each
def test_it_is_kept_without_code_in_the_file_and_the_same_bytes_every_time(kind: Any) -> None:
    """skops takes it whole: no pickle is needed to load a model that holds it."""
    fitted = clone(kind).fit(TEXTS)
    files = sklearn.dump({"preprocessor": fitted})
    assert list(files) == ["preprocessor.skops"]
    assert sklearn.dump({"preprocessor": clone(kind).fit(TEXTS)}) == files
    for again in (sklearn.load_object(files, "preprocessor", trusted=False), pickle.loads(pickle.dumps(fitted))):
        assert np.array_equal(dense(again.transform(TEXTS)), dense(fitted.transform(TEXTS)), equal_nan=True)


@pytest.mark.parametrize(
    ("kind", "cells", "said"),
    [
        (nr.MultiHot(), [None, "missing", "", " | "], "column 'x' holds no value in any training row"),
        (nr.MultiHot(), [[], (), {None}], "column 'x' holds no value in any training row"),
        (nr.MultiHot(min_count=2), ["a", "b"], "no value in 2 or more training rows; lower min_count"),
        (nr.CharIndices(), [None, ""], "column 'x' has no character 1 or more times"),
        (nr.TokenIndices(), [None, "?!"], "column 'x' has no word in any training row"),
        (nr.TokenIndices(min_count=3), ["one", "two"], "no word 3 or more times in the training rows; lower min_count"),
        (nr.TokenVectors(), ["", " - "], "column 'x' has no word in any training row"),
        (nr.Dates(), ["yesterday", None], "column 'x' holds no date in any training row"),
        (nr.Dates(format="%d.%m.%Y"), ["2024-01-31"], "holds no date in any training row; leave it out, or say its"),
        (nr.MultiHot(separator=", "), ["a"], "separator is ', '; it must be one character"),
        (nr.MultiHot(unseen="fail"), ["a"], "unseen is 'fail'; it must be one of ignore, count"),
        (nr.CharIndices(0), ["a"], "length is 0; it must be a whole number of at least 1"),
        (nr.CharIndices(alphabet="aa"), ["a"], "holds a character twice"),
        (nr.TokenIndices(max_size=2.5), ["a"], "max_size is 2.5; it must be a whole number"),  # type: ignore[arg-type]
        (nr.TokenVectors(weights="sum"), ["a"], "weights is 'sum'; it must be one of tfidf, mean"),
        (nr.Dates(["decade"]), ["2024-01-31"], "parts has 'decade'; it must be a list of some of year"),
        (nr.Dates(cyclic="month"), ["2024-01-31"], "cyclic has 'month'; it must be a list"),
        (nr.Dates([], cyclic=[], elapsed=False), ["2024-01-31"], "no feature is asked for"),
    ],
)
def test_what_cannot_be_learned_is_said_in_one_sentence(kind: Any, cells: list[Any], said: str) -> None:
    rows = pd.DataFrame({"x": pd.Series(cells, dtype=object)})
    with pytest.raises(ValueError, match=re.escape(said)) as caught:
        kind.fit(rows)
    assert "\n" not in str(caught.value)
