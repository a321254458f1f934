"""Every row's group by each column, as small numbers: what slices, searches and dominance count by."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import polars as pl
from numpy.typing import NDArray

from noria.data.grouping import group
from noria.errors import BadLifecycle

MOST = 50  # values of one column that get a row each
RANGE = re.compile(r"\((-inf|[^,]+), (inf|[^\]]+)\]")  # how polars names an interval
CELLS = 10_000  # groups of several columns together, above which they are not looked at

Codes = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Grouping:
    """``codes``: of each row, the place of its group in ``names``."""

    codes: Codes
    names: tuple[str, ...]

    def sums(self, weights: NDArray[np.generic] | None = None) -> NDArray[np.float64]:
        """Rows of each group, or the sum of their weights."""
        return np.bincount(self.codes, weights, minlength=len(self.names)).astype(np.float64)

    def cross(self, other: "Grouping") -> "Grouping | None":
        """The groups of both together, those that occur; None if there are too many."""
        if len(self.names) * len(other.names) > CELLS:
            return None
        place = self.codes * len(other.names) + other.codes
        there = np.flatnonzero(np.bincount(place, minlength=len(self.names) * len(other.names)))
        number = np.zeros(len(self.names) * len(other.names), dtype=np.int64)
        number[there] = np.arange(len(there))
        pairs = (divmod(int(one), len(other.names)) for one in there)
        return Grouping(number[place], tuple(f"{self.names[a]} & {other.names[b]}" for a, b in pairs))


class Cells:
    """The rows of a frame by the groups of its columns; each column is looked at once."""

    def __init__(self, rows: pl.DataFrame) -> None:
        self._rows = rows
        self._known: dict[str, Grouping] = {}

    @cached_property
    def height(self) -> int:
        return self._rows.height

    def by(self, name: str) -> Grouping:
        """Groups by a column, or by several: ``"sex & race"``.

        Raises
        ------
        BadLifecycle
            If there is no such column, or several have too many groups together.
        """
        first, *others = [part.strip() for part in name.split("&")] if name not in self._rows.columns else [name]
        found = self._of(first)
        for part in others:
            crossed = found.cross(self._of(part))
            if crossed is None:
                raise BadLifecycle(
                    f"{name} makes more than {CELLS:,} groups",
                    where="analyze",
                    do="Slice by columns with fewer values.",
                )
            found = crossed
        return found

    def masks(self, columns: Sequence[str]) -> Iterator[tuple[str, str, NDArray[np.bool_]]]:
        """Column, group and row mask of each subset; of many groups, the first ones."""
        for name in columns:
            found = self.by(name)
            for place in np.argsort(np.array(found.names, dtype=object), kind="stable")[:MOST]:
                yield name, found.names[place], found.codes == place

    def _of(self, name: str) -> Grouping:
        if name not in self._rows.columns:
            raise BadLifecycle(
                f"there is no column {name!r} to slice by",
                where="analyze",
                do=f"There are {', '.join(self._rows.columns)}.",
            )
        if name not in self._known:
            texts = group(self._rows[name])
            names = texts.unique().sort().to_list()
            codes = texts.replace_strict(names, list(range(len(names))), return_dtype=pl.Int64)
            self._known[name] = Grouping(codes.to_numpy(), tuple(names))
        return self._known[name]


def said(column: str, group: str) -> str:
    """A subset in words, such as ``10 < age ≤ 13 and job = smith``."""
    columns, groups = column.split(" & "), group.split(" & ")
    if len(columns) != len(groups):  # a value has an & of its own
        return f"{column} = {group}"
    return " and ".join(map(_said, columns, groups))


def _said(column: str, group: str) -> str:
    found = RANGE.fullmatch(group)
    if found is None:
        return f"{column} = {group}"
    low, high = found.groups()
    if low == "-inf":
        return f"{column} ≤ {high}"
    return f"{column} > {low}" if high == "inf" else f"{low} < {column} ≤ {high}"
