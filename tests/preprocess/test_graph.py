"""The transformers as ONNX: the same features for whatever text there is, without Python."""

from functools import cache
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.compose import ColumnTransformer
from sklearn.linear_model import LogisticRegression

import noria as nr
from noria.model import convert, sklearn
from noria.model.convert import CannotConvert
from noria.model.package import Package
from noria.model.signature import Field, Signature

FIELDS = (Field("tags & more", "category"), Field("note", "text"))
SIGNATURE = Signature(FIELDS, ("no", "yes"), "sold", "yes")
CELLS = (
    st.none() | st.text("abAÉé日²|,._- \t\n", max_size=14) | st.sampled_from(["missing", "Missing", "a|missing", ""])
)
ROWS = st.lists(st.tuples(CELLS, CELLS), min_size=1, max_size=6)
KINDS: dict[str, Any] = {
    "multi-hot": nr.MultiHot(max_size=4),
    "multi-hot that counts": nr.MultiHot(unseen="count"),
    "multi-hot of words": nr.MultiHot(separator=" ", min_count=2),
    "multi-hot by a sign of patterns": nr.MultiHot(separator="-"),
    "characters": nr.CharIndices(6, min_count=2),
    "tokens": nr.TokenIndices(5, max_size=4),
    "tokens as they are": nr.TokenIndices(3, lowercase=False),
    "vectors": nr.TokenVectors(3, max_size=5),
    "vectors, unweighted": nr.TokenVectors(2, weights="mean", lowercase=False),
}


def learned() -> dict[str, Any]:
    random = np.random.default_rng(0)
    words = np.array(["a", "b", "A", "é", "É a", "日²", "a_b", "b-a", ",", "missing"])
    texts = [[joint.join(random.choice(words, random.integers(0, 5))) for _ in range(80)] for joint in "| "]
    return {field.name: np.array(cells, dtype=object) for field, cells in zip(FIELDS, texts, strict=True)}


@cache
def both(name: str) -> tuple[Any, Any]:
    """The features in Python, and as a graph: a model of one transformer whose answers tell all its features apart."""
    columns = [field.name for field in FIELDS]
    frame = sklearn.to_frame(learned())
    fitted = ColumnTransformer([("it", KINDS[name], columns)]).fit(frame)
    features = sklearn.features_of(fitted, frame)
    model = LogisticRegression().fit(features, np.arange(80) % 2)
    model.coef_ = np.random.default_rng(1).uniform(0.05, 0.2, model.coef_.shape)
    files = convert.files_of(fitted, model, SIGNATURE)
    return sklearn.Fitted(SIGNATURE, fitted, model), Package("onnx", SIGNATURE, files).predictor()


@pytest.mark.parametrize("name", KINDS)
@given(rows=ROWS)
def test_python_and_onnx_give_the_same_answers_to_any_text(name: str, rows: list[tuple[Any, Any]]) -> None:
    python, graph = both(name)
    asked = {
        field.name: np.array([*cells, None], dtype=object)[:-1] for field, cells in zip(FIELDS, zip(*rows, strict=True))
    }
    check = convert.compare(python.predict(asked), graph.predict(asked), 1e-5)
    assert check.differing == 0, check


@pytest.mark.parametrize(
    ("kind", "field", "cells", "said"),
    [
        (nr.Dates(), Field("when", "category"), ["2024-01-31", "2024-02-28"] * 4, "Dates has no ONNX: times are"),
        (nr.MultiHot(), Field("when", "number"), np.arange(8, dtype=np.float32), "MultiHot has an ONNX for columns of"),
    ],
)
def test_what_has_no_onnx_says_why(kind: Any, field: Field, cells: Any, said: str) -> None:
    frame = sklearn.to_frame({"when": np.array(cells, dtype=None if field.numeric else object)})
    fitted = ColumnTransformer([("it", kind, ["when"])]).fit(frame)
    model = LogisticRegression().fit(sklearn.features_of(fitted, frame), np.arange(8) % 2)
    with pytest.raises(CannotConvert, match=said):
        convert.files_of(fitted, model, Signature((field,), ("no", "yes"), "sold", "yes"))
