"""A row to show what a model takes: of values that are typical, not of anybody."""

from typing import Any

import pandas as pd
import polars as pl

from noria.model.signature import Field, Signature

NOTHING = {"number": 0.0, "bool": False, "category": "missing", "text": "some words"}


def typical(signature: Signature, rows: pl.DataFrame | None) -> pd.DataFrame:
    """One row: the median of each number, the most frequent category; a text is none that was ever written.

    Parameters
    ----------
    rows
        Rows to take the values from; None: a row of nothing.
    """
    return pd.DataFrame({one.name: [_value(one, rows)] for one in signature.inputs})


def _value(field: Field, rows: pl.DataFrame | None) -> Any:
    nothing = NOTHING[field.kind]
    known = pl.Series([]) if rows is None or field.name not in rows.columns else rows[field.name].drop_nulls()
    if not len(known) or field.kind == "text":
        return nothing
    if field.kind == "number":
        middle = known.cast(pl.Float64).median()
        return nothing if middle is None or middle != middle else middle
    common = known.mode().sort()[0]
    return bool(common) if field.kind == "bool" else str(common)
