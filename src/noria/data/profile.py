"""Statistics of a batch that are merged, not recomputed."""

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any

import numpy as np
import polars as pl

from noria.data import sketch
from noria.data.schema import Schema
from noria.data.table import RESERVED

KEPT = 1000  # distinct values counted exactly; above, the most frequent and those dropped as a number


@dataclass(frozen=True, slots=True)
class Column:
    """Statistics of one column.

    ``kind`` is number, category, bool, time or other. Counts are rows. ``values`` holds exact counts while there are at
    most 1000 distinct ones, then the most frequent, and ``rest`` the rows of all others. ``bins``: see ``sketch``.
    """

    kind: str
    rows: int = 0
    missing: int = 0
    zero: int = 0
    negative: int = 0
    infinite: int = 0
    total: float = 0.0
    squares: float = 0.0
    low: float | None = None
    high: float | None = None
    first: str | None = None
    last: str | None = None
    length: int = 0
    bins: Mapping[str, int] = field(default_factory=dict)
    values: Mapping[str, int] = field(default_factory=dict)
    rest: int = 0

    @property
    def present(self) -> int:
        return self.rows - self.missing

    @property
    def mean(self) -> float:
        count = sum(self.bins.values())
        return self.total / count if count else math.nan

    @property
    def deviation(self) -> float:
        count = sum(self.bins.values())
        return math.sqrt(max(0.0, self.squares / count - self.mean**2)) if count else math.nan

    def _kind_with(self, other: "Column") -> str:
        """The kind of both together; a side without values says nothing about it."""
        if self.kind == other.kind or (self.present and not other.present):
            return self.kind
        return other.kind if other.present and not self.present else "other"

    def shares(self) -> dict[str, float]:
        """Share of each counted value among the rows that have one."""
        return {value: count / self.present for value, count in self.values.items()} if self.present else {}

    def merge(self, other: "Column") -> "Column":
        """Statistics of the rows of both."""
        values = {key: self.values.get(key, 0) + other.values.get(key, 0) for key in {**self.values, **other.values}}
        kept = dict(sorted(values.items(), key=lambda item: (-item[1], item[0]))[:KEPT])
        return Column(
            kind=self._kind_with(other),
            rows=self.rows + other.rows,
            missing=self.missing + other.missing,
            zero=self.zero + other.zero,
            negative=self.negative + other.negative,
            infinite=self.infinite + other.infinite,
            total=self.total + other.total,
            squares=self.squares + other.squares,
            low=_pick(min, self.low, other.low),
            high=_pick(max, self.high, other.high),
            first=_pick(min, self.first, other.first),
            last=_pick(max, self.last, other.last),
            length=self.length + other.length,
            bins=sketch.merge(self.bins, other.bins),
            values=kept,
            rest=self.rest + other.rest + sum(values.values()) - sum(kept.values()),
        )


@dataclass(frozen=True, slots=True)
class Profile:
    """Statistics of a batch or a version. ``groups``: label counts by protected column and group."""

    rows: int
    columns: Mapping[str, Column]
    labels: Mapping[str, int]
    groups: Mapping[str, Mapping[str, Mapping[str, int]]] = field(default_factory=dict)

    def merge(self, other: "Profile") -> "Profile":
        """Statistics of the rows of both; a column that one side lacks counts there as missing."""
        columns = {}
        for name in list(self.columns) + [n for n in other.columns if n not in self.columns]:
            a = self.columns.get(name) or Column(other.columns[name].kind, self.rows, self.rows)
            b = other.columns.get(name) or Column(self.columns[name].kind, other.rows, other.rows)
            columns[name] = a.merge(b)
        groups = {
            name: {
                group: _add(self.groups.get(name, {}).get(group, {}), other.groups.get(name, {}).get(group, {}))
                for group in sorted({*self.groups.get(name, {}), *other.groups.get(name, {})})
            }
            for name in sorted({*self.groups, *other.groups})
        }
        return Profile(self.rows + other.rows, columns, _add(self.labels, other.labels), groups)

    def label_shares(self) -> dict[str, float]:
        total = sum(self.labels.values())
        return {label: count / total for label, count in sorted(self.labels.items())} if total else {}

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_json(cls, raw: Mapping[str, Any]) -> "Profile":
        return cls(**{**raw, "columns": {name: Column(**column) for name, column in raw["columns"].items()}})


def profile(frame: pl.DataFrame, schema: Schema) -> Profile:
    """Statistics of a frame's rows; labels are counted in a classification only."""
    columns = {name: _column(frame[name]) for name in frame.columns if name not in RESERVED}
    if schema.task == "regression":
        return Profile(frame.height, columns, {})
    labels = _counts(frame, [schema.label])
    groups: dict[str, dict[str, dict[str, int]]] = {}
    for name in schema.protected:
        if name in frame.columns and frame[name].n_unique() <= KEPT:
            groups[name] = {}
            for (group, label), count in _counts(frame, [name, schema.label]).items():
                groups[name].setdefault(group, {})[label] = count
    return Profile(frame.height, columns, {label: n for (label,), n in labels.items()}, groups)


def _counts(frame: pl.DataFrame, names: list[str]) -> dict[tuple[str, ...], int]:
    if any(name not in frame.columns for name in names):
        return {}
    rows = frame.select(pl.col(name).cast(pl.String) for name in names).drop_nulls().group_by(names).len().sort(names)
    return {tuple(row[:-1]): row[-1] for row in rows.iter_rows()}


def _column(series: pl.Series) -> Column:
    kind = kind_of(series.dtype)
    base = Column(kind, rows=series.len(), missing=series.null_count())
    if kind == "number":
        return _number(series, base)
    if kind == "time":
        low, high = series.min(), series.max()
        return replace(base, first=None if low is None else str(low), last=None if high is None else str(high))
    if kind in ("category", "bool"):
        return _text(series.cast(pl.String), base)
    return base


def _number(series: pl.Series, base: Column) -> Column:
    values = series.cast(pl.Float64).drop_nulls().to_numpy()
    missing = base.missing + int(np.isnan(values).sum())
    finite = values[np.isfinite(values)]
    return replace(
        base,
        missing=missing,
        zero=int((finite == 0).sum()),
        negative=int((finite < 0).sum()),
        infinite=int(np.isinf(values).sum()),
        total=float(finite.sum()),
        squares=float((finite**2).sum()),
        low=float(finite.min()) if finite.size else None,
        high=float(finite.max()) if finite.size else None,
        bins=sketch.bins(finite),
    )


def _text(series: pl.Series, base: Column) -> Column:
    counts = series.drop_nulls().value_counts(sort=False)
    name = counts.columns[0]
    kept = counts.sort(["count", name], descending=[True, False]).head(KEPT)
    values = dict(zip(kept[name].to_list(), kept["count"].to_list(), strict=True))
    length = series.str.len_chars().sum()
    return replace(base, values=values, rest=base.present - sum(values.values()), length=int(length or 0))


def kind_of(dtype: pl.DataType) -> str:
    """The profile's kind of a Polars type."""
    if dtype.is_numeric():
        return "number"
    if dtype == pl.Boolean:
        return "bool"
    if dtype.is_temporal():
        return "time"
    return "category" if dtype == pl.String or dtype in (pl.Categorical, pl.Enum) else "other"


def _add(a: Mapping[str, int], b: Mapping[str, int]) -> dict[str, int]:
    return {key: a.get(key, 0) + b.get(key, 0) for key in sorted(a.keys() | b.keys())}


def _pick(which: Any, a: Any, b: Any) -> Any:
    if a is None or b is None:
        return b if a is None else a
    return which(a, b)
