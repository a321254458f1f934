"""Statistics of a column that comes in pieces."""

from typing import Protocol

import polars as pl

from noria.data.column import Column, ranked, with_values
from noria.data.numbers import Numbers
from noria.data.texts import Texts

DAY_US = 86_400_000_000


class Tally(Protocol):
    """Takes one piece after the other, and says what all of them were together."""

    def add(self, values: pl.Series) -> None: ...

    def column(self) -> Column: ...


class Truths:
    """Counted as the texts true and false."""

    def __init__(self) -> None:
        self.sum = Column("bool")
        self.rows = {"true": 0, "false": 0}

    def add(self, values: pl.Series) -> None:
        piece = Column("bool", rows=len(values), missing=values.null_count())
        true = int(values.sum() or 0)
        self.rows["true"] += true
        self.rows["false"] += piece.present - true
        self.sum = self.sum.merge(piece)

    def column(self) -> Column:
        return with_values(self.sum, ranked({value: rows for value, rows in self.rows.items() if rows}), 0, {}, {})


class Times:
    def __init__(self) -> None:
        self.sum = Column("time")

    def add(self, values: pl.Series) -> None:
        piece = Column("time", rows=len(values), missing=values.null_count())
        times = _in_utc(values.drop_nulls())
        if len(times) and isinstance(times.dtype, pl.Date | pl.Datetime):
            days = times.dt.epoch("us") // DAY_US if times.dtype != pl.Date else times.cast(pl.Int32)
            ends = pl.concat([times.sort()[:1], times.sort()[-1:]]).cast(pl.String)
            counts = days.alias("day").value_counts(name="count").sort("day")
            piece = Column(
                "time", rows=len(values), missing=values.null_count(), first=ends[0], last=ends[1],
                bins=dict(counts.iter_rows()),
            )  # fmt: skip
        elif len(times):
            ends = times.cast(pl.String)
            piece = Column("time", len(values), values.null_count(), first=str(ends.min()), last=str(ends.max()))
        self.sum = self.sum.merge(piece)

    def column(self) -> Column:
        return self.sum


def _in_utc(times: pl.Series) -> pl.Series:
    if isinstance(times.dtype, pl.Datetime):
        return times.dt.convert_time_zone("UTC").dt.replace_time_zone(None) if times.dtype.time_zone else times
    return times


class Others:
    """Of what has no statistics, the rows and how many are missing."""

    def __init__(self) -> None:
        self.sum = Column("other")

    def add(self, values: pl.Series) -> None:
        self.sum = self.sum.merge(Column("other", rows=len(values), missing=values.null_count()))

    def column(self) -> Column:
        return self.sum


def kind_of(dtype: pl.DataType) -> str:
    """The profile's kind of a Polars type."""
    if dtype.is_numeric():
        return "number"
    if dtype == pl.Boolean:
        return "bool"
    if dtype.is_temporal():
        return "other" if dtype == pl.Duration else "time"
    return "category" if dtype == pl.String or dtype in (pl.Categorical, pl.Enum) else "other"


def tally(dtype: pl.DataType) -> Tally:
    """What counts a column of a Polars type."""
    kind = kind_of(dtype)
    if kind == "number":
        return Numbers()
    if kind == "category":
        return Texts()
    if kind == "bool":
        return Truths()
    return Times() if kind == "time" else Others()
