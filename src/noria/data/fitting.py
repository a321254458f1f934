"""Rows in the types that a table can hold, and in those that it holds: the same values, or a sentence why not."""

from collections.abc import Mapping

import polars as pl

from noria.data import lists
from noria.errors import BadInput

UTC = "UTC"
WIDER: Mapping[type[pl.DataType], type[pl.DataType]] = {  # Delta knows signed whole numbers of up to 64 bits, and text
    pl.UInt8: pl.Int16,
    pl.UInt16: pl.Int32,
    pl.UInt32: pl.Int64,
    pl.UInt64: pl.Int64,
    pl.Int128: pl.Int64,
    pl.UInt128: pl.Int64,
    pl.Float16: pl.Float32,
    pl.Categorical: pl.String,
    pl.Enum: pl.String,
    pl.Null: pl.String,
}
KEPT = (
    *(pl.Int8, pl.Int16, pl.Int32, pl.Int64, pl.Float32, pl.Float64, pl.Decimal),
    *(pl.Boolean, pl.String, pl.Date, pl.Datetime),
)
LISTS = (pl.List, pl.Array)


def settled(frame: pl.DataFrame) -> pl.DataFrame:
    """The frame in types that a table can hold; lists become texts.

    Raises
    ------
    BadInput
        If a column is nested otherwise, of bytes or durations, or holds whole numbers of more than 64 bits.
    """
    return frame.with_columns(_settled(frame[name]) for name, kind in frame.schema.items() if _lasting(kind) != kind)


def fitted(frame: pl.DataFrame, held: pl.Schema, name: str) -> pl.DataFrame:
    """The frame in the types of a table: ``held`` by column, and ``name`` for messages.

    Raises
    ------
    BadInput
        If a value would not be the same in the table's type, or ``settled`` refuses it.
    """
    frame = settled(frame)
    casts = []
    for column, kind in frame.schema.items():
        want = held.get(column, kind)
        if want == kind:
            continue
        try:
            casts.append(_cast(frame[column], want))
        except pl.exceptions.PolarsError as error:
            raise BadInput(
                f"column {column} is {kind} here and {want} in the earlier batches",
                where=name,
                do="Correct the file, or collect it under another lifecycle name.",
            ) from error
    return frame.with_columns(casts)


def _lasting(kind: pl.DataType) -> pl.DataType | None:
    """The type that a table keeps such values in; None if it cannot."""
    if isinstance(kind, pl.Datetime):
        return pl.Datetime("us", UTC if kind.time_zone else None)
    if isinstance(kind, KEPT):
        return kind
    if isinstance(kind, LISTS):
        return pl.String()
    wider = WIDER.get(type(kind))
    return None if wider is None else wider()


def _settled(values: pl.Series) -> pl.Series:
    if isinstance(values.dtype, LISTS):
        return lists.joined(values)
    want = _lasting(values.dtype)
    if want is None:
        raise BadInput(
            f"column {values.name} holds {values.dtype}, which is neither number, text, truth value nor time",
            where="collect",
            do="Take out of it what you need, one value a column, or leave the column out.",
        )
    try:
        return values.cast(want, strict=True)
    except pl.exceptions.PolarsError as error:
        raise BadInput(
            f"column {values.name} holds whole numbers of more than 64 bits",
            where="collect",
            do="Store them as text, or as floating-point numbers if the last digits do not count.",
        ) from error


def _cast(values: pl.Series, want: pl.DataType) -> pl.Series:
    """The same values in another type; a Polars error if one is not the same."""
    if values.dtype == pl.String and isinstance(want, pl.datatypes.TemporalType) and values.null_count() < len(values):
        return values.str.strptime(want, strict=True)
    if values.dtype == pl.String and want == pl.Boolean:
        return values.str.to_lowercase().replace_strict({"true": True, "false": False}, return_dtype=pl.Boolean)
    if values.dtype.is_numeric() and want.is_temporal():
        raise pl.exceptions.InvalidOperationError("a number is no time")
    if isinstance(values.dtype, pl.Datetime) and isinstance(want, pl.Datetime):  # in µs both: one has a zone
        raise pl.exceptions.InvalidOperationError("a time without a zone is no time in UTC")
    found = values.cast(want, strict=True)
    if want == pl.String or values.dtype == pl.String:
        return found
    if not found.cast(values.dtype, strict=True).eq_missing(values).all():
        raise pl.exceptions.InvalidOperationError("values would change")
    return found
