"""Inputs and outputs: names, kinds, data types; and rows in the one form that every model takes them."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
from numpy.typing import NDArray

from noria.errors import BadInput

MISSING = "missing"  # what stands for a category that is not there
DATATYPE = {"number": "FP64", "category": "BYTES"}  # of the Open Inference Protocol


@dataclass(frozen=True, slots=True)
class Input:
    """``kind`` is ``number`` (float64, NaN if missing) or ``category`` (text, ``"missing"`` if missing)."""

    name: str
    kind: str


@dataclass(frozen=True, slots=True)
class Signature:
    """What a model takes and gives; ``classes`` is None for regression."""

    inputs: tuple[Input, ...]
    label: str
    classes: tuple[str, ...] | None

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_json(cls, raw: Mapping[str, Any]) -> "Signature":
        classes = None if raw["classes"] is None else tuple(raw["classes"])
        return cls(tuple(Input(**one) for one in raw["inputs"]), raw["label"], classes)


def inputs_of(frame: pl.DataFrame, hidden: frozenset[str]) -> tuple[Input, ...]:
    """The feature columns of a frame with their kinds, in the frame's order.

    Raises
    ------
    BadInput
        If a column is of a type that no model takes (list, struct, binary).
    """
    found = []
    for name, dtype in frame.schema.items():
        if name in hidden or name.startswith("_"):
            continue
        if dtype.is_numeric() or dtype.is_temporal():
            found.append(Input(name, "number"))
        elif dtype in (pl.String, pl.Boolean, pl.Categorical, pl.Enum):
            found.append(Input(name, "category"))
        else:
            raise BadInput(
                f"column {name} is {dtype}", where="preprocess", do="Turn it into numbers or text, or name it in drop."
            )
    return tuple(found)


def rows_of(frame: pl.DataFrame, inputs: Sequence[Input]) -> pd.DataFrame:
    """A frame's feature columns as models take them."""
    columns: dict[str, Any] = {}
    for one in inputs:
        series = frame[one.name]
        if one.kind == "category":
            columns[one.name] = series.cast(pl.String).fill_null(MISSING).to_numpy().astype(object)
        elif series.dtype.is_temporal():
            columns[one.name] = series.dt.epoch("s").cast(pl.Float64).fill_null(np.nan).to_numpy()
        else:
            columns[one.name] = series.cast(pl.Float64).fill_null(np.nan).to_numpy()
    return as_frame(columns, frame.height)


def as_frame(columns: Mapping[str, NDArray[Any]], rows: int) -> pd.DataFrame:
    """Columns as a pandas frame, text as Python objects."""
    return pd.DataFrame(
        {name: pd.Series(values, dtype=object) if values.dtype == object else values for name, values in columns.items()},
        index=range(rows),
    )
