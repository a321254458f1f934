"""Statistics of a batch that are merged, not recomputed."""

from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field
from functools import partial
from time import perf_counter
from typing import Any

import numpy as np
import polars as pl

from noria.data import old_profile
from noria.data.column import Column, ranked
from noria.data.distinct import KEPT
from noria.data.labels import Counts, Labels, add, add_all
from noria.data.schema import Schema
from noria.data.table import BOOKKEEPING
from noria.data.tally import tally

NUMBER = 3  # of the format on disk
CELLS = 1 << 23  # looked at together: what bounds the memory, however many rows or columns there are
MOST_ROWS, LEAST_ROWS = 1 << 17, 1 << 10
HANDS = 2


@dataclass(frozen=True, slots=True)
class Profile:
    """Statistics of a batch or a version.

    Attributes
    ----------
    labels
        Rows of each label; empty in a regression. With several labels a row, it counts once for each.
    groups
        The same by protected column and group.
    splits
        The same by split, where validation has counted it.
    """

    rows: int
    columns: Mapping[str, Column]
    labels: Counts
    groups: Mapping[str, Mapping[str, Counts]] = field(default_factory=dict)
    splits: Mapping[str, Counts] = field(default_factory=dict)

    def merge(self, other: "Profile") -> "Profile":
        """Statistics of the rows of both; a column that one side lacks counts there as missing.

        Associative and commutative: counts, and sums of integers, exactly; other sums within rounding; the most
        frequent values of a text column that has more than 1000 within ``Column.short``.
        """
        columns = {}
        for name in list(self.columns) + [n for n in other.columns if n not in self.columns]:
            a = self.columns.get(name) or Column(other.columns[name].kind, self.rows, self.rows)
            b = other.columns.get(name) or Column(self.columns[name].kind, other.rows, other.rows)
            columns[name] = a.merge(b)
        groups = {
            name: add_all(self.groups.get(name, {}), other.groups.get(name, {}))
            for name in sorted({*self.groups, *other.groups})
        }
        groups = {name: found for name, found in groups.items() if len(found) <= KEPT}
        return Profile(
            self.rows + other.rows,
            columns,
            add(self.labels, other.labels),
            groups,
            add_all(self.splits, other.splits),
        )

    def label_shares(self) -> dict[str, float]:
        total = sum(self.labels.values())
        return {label: count / total for label, count in sorted(self.labels.items())} if total else {}

    def to_json(self) -> dict[str, Any]:
        return {"format": NUMBER, **asdict(self)}

    @classmethod
    def from_json(cls, raw: Mapping[str, Any]) -> "Profile":
        """A profile that was kept, in this format or an earlier one."""
        found = {name: value for name, value in raw.items() if name != "counted"}
        number = found.pop("format", 1)
        if number == 1:  # format 2 differs in sums and ends of integers, which were floats
            found["columns"] = {name: old_profile.column(one) for name, one in raw["columns"].items()}
        return cls(**{**found, "columns": {name: _column(one) for name, one in found["columns"].items()}})


def _column(raw: Mapping[str, Any]) -> Column:
    numbered = {name: {int(key): rows for key, rows in raw[name].items()} for name in ("bins", "sample")}
    return Column(**{**raw, **numbered, "values": ranked(raw["values"])})  # JSON is kept with sorted keys


def profile(rows: pl.DataFrame | pl.LazyFrame, schema: Schema) -> Profile:
    """Statistics of rows in one pass over them; labels are not counted in a regression.

    Of a lazy frame some rows at a time are in memory, so it may be larger than that.
    """
    kinds = rows.collect_schema()
    tallies = {name: tally(kind) for name, kind in kinds.items() if name not in BOOKKEEPING}
    labels = Labels(schema, kinds)
    count = 0
    took = [0.0] * (1 + len(tallies))
    with ThreadPoolExecutor(HANDS) as hands:
        for piece in _pieces(rows, len(kinds)):
            count += piece.height
            jobs = [partial(labels.add, piece), *(partial(one.add, piece[name]) for name, one in tallies.items())]
            longest_first = np.argsort(took)[::-1].tolist()  # so that all hands end together
            begun = {job: hands.submit(_seconds, jobs[job]) for job in longest_first}
            took = [begun[job].result() for job in range(len(jobs))]
    return Profile(count, {name: one.column() for name, one in tallies.items()}, labels.labels, labels.groups)


def _seconds(work: Callable[[], None]) -> float:
    began = perf_counter()
    work()
    return perf_counter() - began


def _pieces(rows: pl.DataFrame | pl.LazyFrame, columns: int) -> Iterator[pl.DataFrame]:
    size = max(LEAST_ROWS, min(MOST_ROWS, CELLS // max(1, columns)))
    return iter(rows.iter_slices(size) if isinstance(rows, pl.DataFrame) else rows.collect_batches(chunk_size=size))
