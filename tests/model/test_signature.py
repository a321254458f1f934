"""Which columns a model may see, and columns brought into the form that every model takes."""

from datetime import date
from typing import Any

import numpy as np
import polars as pl
import pytest

from noria.errors import BadInput
from noria.model.frame import columns_of, fields_of
from noria.model.signature import Field, Signature, spelled

ROWS = pl.DataFrame(
    {
        "n": [1, None],
        "x": [0.5, float("nan")],
        "f": [True, None],
        "job": ["smith", None],
        "note": ["to be or not to be", "that is the question"],
        "day": [date(2024, 1, 1), None],
        "none": [None, None],
        "y": ["yes", "no"],
    }
)
SIGNATURE = Signature(fields_of(ROWS, {"y"}), ("no", "yes"), "y", "yes")


def test_a_column_is_what_its_values_are() -> None:
    assert {field.name: field.kind for field in SIGNATURE.inputs} == {
        "day": "category", "f": "bool", "job": "category", "n": "number", "none": "category", "note": "text",
        "x": "number",
    }  # fmt: skip
    assert [field.name for field in SIGNATURE.inputs] == sorted(field.name for field in SIGNATURE.inputs)


def test_a_column_that_no_model_takes_is_named() -> None:
    with pytest.raises(BadInput, match="column 'list' holds List") as caught:
        fields_of(ROWS.with_columns(pl.lit([1, 2]).alias("list")), set())
    assert "drop" in caught.value.do


def test_a_table_and_a_request_with_the_same_values_are_the_same_to_a_model() -> None:
    table = SIGNATURE.clean(columns_of(ROWS, SIGNATURE.inputs))
    request = SIGNATURE.clean(
        {
            "n": np.array([1, None], dtype=object),
            "x": [[0.5], [None]],
            "f": [True, None],
            "job": [b"smith", None],
            "note": ["to be or not to be", "that is the question"],
            "day": ["2024-01-01", float("nan")],
            "none": [None, None],
        }
    )
    assert table.keys() == request.keys()
    for field in SIGNATURE.inputs:
        assert table[field.name].dtype == request[field.name].dtype == ("float32" if field.numeric else "object")
        if field.numeric:
            assert np.array_equal(table[field.name], request[field.name], equal_nan=True)
        else:
            assert table[field.name].tolist() == request[field.name].tolist()


def test_a_signature_survives_being_kept_as_plain_data() -> None:
    for one in (SIGNATURE, Signature((Field("x", "number"),), None, "y")):
        assert Signature.of(one.plain()) == one
    assert SIGNATURE.plain()["outputs"] == [
        {"name": "label", "datatype": "BYTES", "shape": [-1]},
        {"name": "probability", "datatype": "FP32", "shape": [-1, 2]},
    ]


@pytest.mark.parametrize(
    ("columns", "said"),
    [
        ({}, "input 'a' is missing"),
        ({"a": [1, 2], "b": ["x"]}, "input 'b' has 1 rows, others have 2"),
        ({"a": ["x"], "b": ["x"]}, "input 'a' has something that is no number"),
        ({"a": [{}], "b": ["x"]}, "input 'a' has something that is no number"),
    ],
)
def test_columns_that_do_not_fit_are_one_sentence(columns: dict[str, Any], said: str) -> None:
    with pytest.raises(BadInput) as caught:
        Signature((Field("a", "number"), Field("b", "text")), None, "y").clean(columns)
    assert said in caught.value.what
    assert caught.value.where
    assert caught.value.do


@pytest.mark.parametrize(
    ("value", "text"), [(True, "true"), (np.False_, "false"), (b"yes", "yes"), ("True", "True"), (1, "1"), (1.5, "1.5")]
)
def test_a_value_is_spelled_as_in_data_files(value: object, text: str) -> None:
    assert spelled(value) == text
    if isinstance(value, bool | np.bool_ | str | int):
        assert pl.Series([value.item() if isinstance(value, np.generic) else value]).cast(pl.String)[0] == text


def test_a_number_that_float32_cannot_hold_is_infinite_without_a_warning() -> None:
    found = Signature((Field("a", "number"),), None, "y").clean({"a": np.array([1e300, -1e300, 1.0])})
    assert found["a"].tolist() == [np.inf, -np.inf, 1.0]
