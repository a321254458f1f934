"""Tables as models take them: which columns a model may see, and those columns as arrays.

Apart from the signature, so that a server that answers requests need not load a table library.
"""

from collections.abc import Sequence, Set
from typing import Any

import polars as pl
from numpy.typing import NDArray

from noria.errors import BadInput
from noria.model.signature import MISSING, Field

LISTED = 0.25  # share of the values with a "|" between others, from which a column holds lists
WORDY = 3.0  # blanks in a value, on average, from which a column is text rather than a category


def fields_of(frame: pl.DataFrame, hidden: Set[str]) -> tuple[Field, ...]:
    """The columns a model may see, with their kinds, in the order of their names.

    Raises
    ------
    BadInput
        If a column is of a type that no kind stands for, such as a list.
    """
    found = []
    for name in sorted(set(frame.columns) - hidden):
        column = frame[name]
        kind = _kind(column)
        if kind is None:
            raise BadInput(f"column {name!r} holds {column.dtype}", where="schema", do="Name it in Schema(drop=[...]).")
        found.append(Field(name, kind))
    return tuple(found)


def _kind(column: pl.Series) -> str | None:
    if column.dtype.is_numeric():
        return "number"
    if column.dtype == pl.Boolean:
        return "bool"
    if column.dtype.is_temporal() or column.dtype in (pl.Categorical, pl.Enum, pl.Null):
        return "category"
    if column.dtype != pl.String:
        return None
    known = column.drop_nulls().head(1000)
    if len(known) and known.str.contains(r"[^|\s]\s*\|\s*[^|\s]").sum() >= LISTED * len(known):
        return "list"
    words = known.str.count_matches(r"\s").mean() if len(known) else 0
    return "text" if isinstance(words, float) and words >= WORDY else "category"


def columns_of(frame: pl.DataFrame, fields: Sequence[Field]) -> dict[str, NDArray[Any]]:
    """A frame's columns as a model takes them."""
    found: dict[str, NDArray[Any]] = {}
    for field in fields:
        column = frame[field.name]
        if field.numeric:
            found[field.name] = column.cast(pl.Float32).fill_null(float("nan")).to_numpy()
        else:
            found[field.name] = column.cast(pl.String).fill_null(MISSING).to_numpy().astype(object)
    return found
