"""Cells that hold several values: a table keeps them as one text, such as ``red|blue``."""

import polars as pl

from noria.data.schema import Schema
from noria.errors import BadInput

SEPARATOR = "|"


def joined(column: pl.Series) -> pl.Series:
    """Lists as texts: an empty list is an empty text, a missing one stays missing, a missing value in one is left out.

    Raises
    ------
    BadInput
        If a value holds the separator itself, or is a list again.
    """
    inner = getattr(column.dtype, "inner", None)
    if inner is None or inner.is_nested() or inner in (pl.Binary, pl.Object):
        raise BadInput(
            f"column {column.name} holds {column.dtype}: lists of texts and numbers only can be kept",
            where="collect",
            do="Take out of it what you need, or leave the column out.",
        )
    values = column.cast(pl.List(pl.String))
    if values.explode(empty_as_null=False).str.contains(SEPARATOR, literal=True).any():
        raise BadInput(
            f"a value in the lists of column {column.name} holds {SEPARATOR!r}, which stands between values",
            where="collect",
            do="Write another sign in its place.",
        )
    return values.list.drop_nulls().list.join(SEPARATOR).alias(column.name)


def parts(column: pl.Series) -> pl.Series:
    """Texts as lists: blanks around a value do not count, nor does one that is there twice."""
    each = pl.element().str.strip_chars()
    pieces = column.cast(pl.String).str.split(SEPARATOR)
    return pieces.list.eval(each.filter(each != "")).list.unique(maintain_order=True)


def one_label_a_row(rows: pl.DataFrame, schema: Schema) -> pl.DataFrame:
    """The rows as they are counted by label: of several labels, each has its row; a row without any has none."""
    if schema.task != "multilabel":
        return rows
    return (
        rows.with_columns(parts(rows[schema.label]).alias(schema.label)).explode(schema.label).drop_nulls(schema.label)
    )
