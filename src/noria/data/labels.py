"""Rows of each label, overall and by protected group, of a table that comes in pieces."""

from collections.abc import Iterator, Mapping
from typing import Any

import polars as pl

from noria.data.distinct import KEPT
from noria.data.lists import one_label_a_row
from noria.data.schema import Schema

Counts = Mapping[str, int]
ROWS = "\0rows"  # no column is named so


class Labels:
    """Rows without a label are not counted, nor those without a group among the groups.

    A column with more than 1000 groups has none that could be compared, and is not counted.
    """

    def __init__(self, schema: Schema, columns: Mapping[str, pl.DataType]) -> None:
        self.schema = schema
        self.counted = schema.task != "regression" and schema.label in columns
        self.labels: dict[str, int] = {}
        protected = schema.protected if self.counted else ()
        self.groups: dict[str, dict[str, dict[str, int]]] = {name: {} for name in protected if name in columns}

    def add(self, rows: pl.DataFrame) -> None:
        if not self.counted:
            return
        names = list(dict.fromkeys([self.schema.label, *self.groups]))
        each = one_label_a_row(rows.select(names), self.schema)
        counted = each.group_by(pl.all()).agg(pl.len().alias(ROWS)).with_columns(pl.exclude(ROWS).cast(pl.String))
        self.labels = add(self.labels, dict(_sums(counted, self.schema.label)))
        for name in list(self.groups):
            self.groups[name] = add_all(self.groups[name], _by_group(counted, name, self.schema.label))
            if len(self.groups[name]) > KEPT:
                del self.groups[name]


def _by_group(counted: pl.DataFrame, name: str, label: str) -> dict[str, dict[str, int]]:
    found: dict[str, dict[str, int]] = {}
    for group, value, rows in _sums(counted, name, label):
        found.setdefault(group, {})[value] = rows
    return found


def _sums(counted: pl.DataFrame, *names: str) -> Iterator[tuple[Any, ...]]:
    """The values of these columns, where none is missing, with their rows."""
    return counted.drop_nulls(names).select(*names, ROWS).group_by(*names).agg(pl.col(ROWS).sum()).iter_rows()


def add(a: Counts, b: Counts) -> dict[str, int]:
    return {key: a.get(key, 0) + b.get(key, 0) for key in sorted(a.keys() | b.keys())}


def add_all(a: Mapping[str, Counts], b: Mapping[str, Counts]) -> dict[str, dict[str, int]]:
    return {key: add(a.get(key, {}), b.get(key, {})) for key in sorted(a.keys() | b.keys())}
