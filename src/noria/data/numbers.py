"""Statistics of a column of numbers that comes in pieces."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from noria.data import distinct, sketch
from noria.data.column import Column, ranked, with_values
from noria.data.distinct import KEPT, Smallest, runs

NARROW = 1 << 16  # integers that lie so close are counted in a table
FEW = 4  # rows of each value: then the values are worked on, each with its rows
SAFE = 1 << 62  # a sum of integers below is one of 64 bits

Array = NDArray[Any]
Weights = NDArray[np.int64] | None  # how many rows each value stands for; None: one


class Numbers:
    """Integers of up to 64 bits are summed, compared and told apart exactly; all else as floats of 64 bits."""

    def __init__(self) -> None:
        self.sum = Column("number")
        self.bins: dict[int, int] = {}
        self.found = Smallest()
        self.rows: dict[float, int] = {}  # of each value, while they are few

    def add(self, values: pl.Series) -> None:
        whole = values.dtype.is_integer() and values.dtype not in (pl.Int128, pl.UInt128)
        present = (values if whole else values.cast(pl.Float64)).drop_nulls().to_numpy()
        missing, infinite = len(values) - present.size, 0
        with np.errstate(over="ignore", invalid="ignore"):
            certain = whole or np.isfinite(present.sum())  # one pass instead of two, for nearly every column
        if not certain:
            missing += int(np.isnan(present).sum())
            infinite = int(np.isinf(present).sum())
            present = present[np.isfinite(present)]
        moments = self._moments(*self._counted(present)) if present.size else {}
        piece = Column("number", rows=len(values), missing=missing, infinite=infinite, **moments)
        self.sum = self.sum.merge(piece)

    def _counted(self, values: Array) -> tuple[Array, Weights]:
        """The different values with their rows if they may be few, else the values."""
        if _narrow(values):
            return _table(values)
        if self.found.over:
            return values, None
        found, rows = runs(np.sort(values))
        return (found, rows) if len(found) * FEW <= len(values) or len(found) <= KEPT else (values, None)

    def _moments(self, values: Array, rows: Weights) -> dict[str, Any]:
        self._count(values, rows)
        floats = values.astype(np.float64, copy=False)
        more = sketch.bins(floats, rows)
        sketch.add(self.bins, more.keys(), more.values())
        count = values.size if rows is None else int(rows.sum())
        with np.errstate(over="ignore", invalid="ignore"):
            total = _total(values, rows)
            spread = float(_dot(np.square(floats - total / count), rows))
        return {
            "zero": int(_dot(values == 0, rows)), "negative": int(_dot(values < 0, rows)),
            "total": total, "spread": spread, "low": values.min().item(), "high": values.max().item(),
        }  # fmt: skip

    def _count(self, values: Array, rows: Weights) -> None:
        hashes = distinct.of_numbers(values) if values.dtype == np.float64 else distinct.of_wholes(values)
        if rows is None:
            self.found.add(hashes)
            return
        self.found.add_counted(hashes, rows)
        if not self.found.over:
            for value, more in zip(values.tolist(), rows.tolist()):
                self.rows[value] = self.rows.get(value, 0) + more

    def column(self) -> Column:
        values: Mapping[str, int] = {}
        if not self.found.over:
            values = ranked({text_of(value): rows for value, rows in self.rows.items()})
        return with_values(self.sum, values, 0, self.found.sample(), dict(sorted(self.bins.items())))


def text_of(number: float) -> str:
    """A number as the key of its count: the same for an integer and the float that is equal to it."""
    if abs(number) < 1e15 and number == int(number):
        return str(int(number))
    return str(number) if int(float(number)) != number else repr(float(number))


def _narrow(values: Array) -> bool:
    return values.dtype != np.float64 and int(values.max()) - int(values.min()) < min(NARROW, FEW * values.size)


def _table(values: Array) -> tuple[Array, Weights]:
    """Integers that lie close together, with their rows."""
    low = values.min()
    counts = np.bincount((values - low).view(f"u{values.itemsize}").astype(np.intp))  # what overflowed is right again
    found = np.flatnonzero(counts)
    return found.astype(values.dtype) + low, counts[found]


def _total(values: Array, rows: Weights) -> Any:
    """The sum; of integers exact."""
    if values.dtype == np.float64:
        return float((values if rows is None else values * rows).sum())  # in pairs: a dot product loses digits
    many = values.size if rows is None else int(rows.sum())
    if max(-int(values.min()), int(values.max())) * many < SAFE:
        return int(_dot(values.astype(np.int64), rows))
    high, low = (int(_dot(part.astype(np.int64), rows)) for part in (values >> 32, values & 0xFFFFFFFF))
    return (high << 32) + low


def _dot(values: Array, rows: Weights) -> Any:
    if rows is not None:
        return np.dot(values, rows)
    return np.count_nonzero(values) if values.dtype == np.bool_ else values.sum()
