"""Statistics of a column that comes in pieces."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Protocol

import numpy as np
import polars as pl
from numpy.typing import NDArray

from noria.data import distinct, sketch
from noria.data.column import Column, frequent, ranked
from noria.data.distinct import KEPT

LONGEST = 256  # characters of a value that is kept as it is; of a longer one the beginning and its hash are
HEAD = 200
DAY_US = 86_400_000_000

Floats = NDArray[np.float64]


class Tally(Protocol):
    """Takes one piece after the other, and says what all of them were together."""

    def add(self, values: pl.Series) -> None: ...

    def column(self) -> Column: ...


class Smallest:
    """The smallest hashes of all values, with the rows of each; ``over``: there are more values than these."""

    def __init__(self) -> None:
        self.hashes = np.empty(0, dtype=np.uint64)
        self.rows = np.empty(0, dtype=np.int64)
        self.over = False

    def add(self, hashes: NDArray[np.uint64]) -> None:
        """One hash a row."""
        if self.over:
            hashes = hashes[hashes <= self.hashes[-1]]
        if hashes.size:
            hashes = np.sort(hashes)
            begins = np.flatnonzero(np.concatenate([[True], hashes[1:] != hashes[:-1]]))
            self.add_counted(hashes[begins], np.diff(begins, append=hashes.size))

    def add_counted(self, hashes: NDArray[np.uint64], rows: NDArray[np.int64]) -> None:
        """Different hashes with their rows."""
        if len(hashes) > KEPT:
            self.over = True
            near = hashes <= np.partition(hashes, KEPT - 1)[KEPT - 1]
            hashes, rows = hashes[near], rows[near]
        found, place = np.unique(np.concatenate([self.hashes, hashes]), return_inverse=True)
        counts = np.bincount(place, np.concatenate([self.rows, rows])).astype(np.int64)
        self.over = self.over or len(found) > KEPT
        self.hashes, self.rows = found[:KEPT], counts[:KEPT]

    def sample(self) -> dict[int, int]:
        """What a column keeps of it: nothing if all values are known."""
        return dict(zip(self.hashes.tolist(), self.rows.tolist())) if self.over else {}


class Numbers:
    def __init__(self) -> None:
        self.sum = Column("number")
        self.found = Smallest()

    def add(self, values: pl.Series) -> None:
        present = values.cast(pl.Float64).drop_nulls().to_numpy()
        missing = len(values) - present.size
        infinite = 0
        with np.errstate(over="ignore", invalid="ignore"):
            certain = np.isfinite(present.sum())  # one pass instead of two, for nearly every column
        if not certain:
            missing += int(np.isnan(present).sum())
            infinite = int(np.isinf(present).sum())
            present = present[np.isfinite(present)]
        self.found.add(distinct.of_numbers(present))
        piece = Column("number", rows=len(values), missing=missing, infinite=infinite, **_moments(present))
        self.sum = self.sum.merge(piece)

    def column(self) -> Column:
        numbers = [] if self.found.over else distinct.to_numbers(self.found.hashes).tolist()
        values = ranked({text_of(number): rows for number, rows in zip(numbers, self.found.rows.tolist())})
        return with_values(self.sum, values, 0, self.found.sample())


def text_of(number: float) -> str:
    """A number as the key of its count."""
    return str(int(number)) if number == int(number) and abs(number) < 1e15 else repr(number)


def _moments(values: Floats) -> dict[str, Any]:
    if not values.size:
        return {}
    with np.errstate(over="ignore", invalid="ignore"):
        total = float(values.sum())
        spread = float(np.square(values - total / values.size).sum())
    return {
        "zero": int((values == 0).sum()), "negative": int((values < 0).sum()), "total": total, "spread": spread,
        "low": float(values.min()), "high": float(values.max()), "bins": sketch.bins(values),
    }  # fmt: skip


class Texts:
    """Also of truth values, as the texts true and false."""

    def __init__(self, kind: str) -> None:
        self.sum = Column(kind)
        self.found = Smallest()
        self.counts: Mapping[str, int] = {}
        self.short = 0

    def add(self, values: pl.Series) -> None:
        counted = values.cast(pl.String).drop_nulls().alias("value").value_counts(name="count")
        text, count = counted["value"], counted["count"].to_numpy().astype(np.int64)
        sizes = text.str.len_chars().to_numpy().astype(np.int64)
        hashes = distinct.of_texts(text)
        self.found.add_counted(hashes, count)
        words = text.str.count_matches(r"\S+").to_numpy()
        piece = Column(
            self.sum.kind,
            rows=len(values),
            missing=values.null_count(),
            length=int((sizes * count).sum()),
            longest=int(sizes.max(initial=0)),
            tokens=int((words * count).sum()),
            bins=sketch.bins(sizes.astype(np.float64), count) if self.sum.kind == "category" else {},
        )
        self.sum = self.sum.merge(piece)
        self._count(counted.with_columns(hash=pl.Series(hashes)))

    def _count(self, counted: pl.DataFrame) -> None:
        """Add a piece's counts; of many values only the more frequent."""
        if counted.height > KEPT:
            cut = int(counted["count"].top_k(KEPT + 1).min() or 0)  # type: ignore[arg-type]
            counted, self.short = counted.filter(pl.col("count") > cut), self.short + cut
        head = pl.concat_str(pl.col("value").str.slice(0, HEAD), pl.lit("… #"), pl.col("hash").cast(pl.String))
        named = pl.when(pl.col("value").str.len_chars() > LONGEST).then(head).otherwise("value").alias("value")
        fresh = dict(counted.select(named, "count").iter_rows())
        both = {key: self.counts.get(key, 0) + fresh.get(key, 0) for key in {**self.counts, **fresh}}
        self.counts, cut = frequent(both)
        self.short += cut

    def column(self) -> Column:
        return with_values(self.sum, self.counts, self.short, self.found.sample())


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


def with_values(column: Column, values: Mapping[str, int], short: int, sample: Mapping[int, int]) -> Column:
    """A column with the counts of its values."""
    return replace(column, values=values, rest=column.present - sum(values.values()), short=short, sample=sample)


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
    if kind in ("category", "bool"):
        return Texts(kind)
    return Times() if kind == "time" else Others()
