"""An ordered set of batches: how any engine reads it, what it holds, and what two of them do not share."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import polars as pl

from noria.data import multiset, table
from noria.data.table import BATCH
from noria.errors import Damaged

Shares = Mapping[str, float]
Kinds = Mapping[str, str]  # column → type


@dataclass(frozen=True, slots=True)
class Held:
    """What a version holds: rows by batch, in order; its columns with their types; its label shares."""

    rows: Mapping[str, int]
    columns: Kinds
    labels: Shares


@dataclass(frozen=True, slots=True)
class Difference:
    """What two versions do not share. ``changed``: columns of another type, as ``(before, after)``."""

    batches_added: Sequence[str]
    batches_gone: Sequence[str]
    rows_added: int
    rows_gone: int
    columns_added: Kinds
    columns_gone: Kinds
    columns_changed: Mapping[str, tuple[str, str]]
    labels_before: Shares
    labels_after: Shares


def condition(batches: Sequence[str]) -> str:
    """The SQL condition by which any engine reads a version of the Delta table."""
    return f"{BATCH} IN ({', '.join(repr(id) for id in batches)})"


def difference(a: Held, b: Held) -> Difference:
    """What came and what went from ``a`` to ``b``.

    Examples
    --------
    >>> before = Held({"b1": 10}, {"x": "Int64"}, {"yes": 1.0})
    >>> after = Held({"b1": 10, "b2": 5}, {"x": "Int64", "y": "String"}, {"yes": 1.0})
    >>> found = difference(before, after)
    >>> found.batches_added, found.rows_added, dict(found.columns_added)
    (['b2'], 5, {'y': 'String'})
    """
    added = [id for id in b.rows if id not in a.rows]
    gone = [id for id in a.rows if id not in b.rows]
    return Difference(
        batches_added=added,
        batches_gone=gone,
        rows_added=sum(b.rows[id] for id in added),
        rows_gone=sum(a.rows[id] for id in gone),
        columns_added={name: kind for name, kind in b.columns.items() if name not in a.columns},
        columns_gone={name: kind for name, kind in a.columns.items() if name not in b.columns},
        columns_changed={
            name: (a.columns[name], kind) for name, kind in b.columns.items() if a.columns.get(name, kind) != kind
        },
        labels_before=a.labels,
        labels_after=b.labels,
    )


def columns(path: str, batches: Sequence[str]) -> dict[str, str]:
    """The columns that these batches arrived with, and their types; from the files' footers, no row is read."""
    found: dict[str, Any] = {}
    for rows in table.all_own(path, batches).values():
        for name, kind in rows.collect_schema().items():
            found.setdefault(name, str(kind))
    return found


def read_back(path: str, batch: str) -> str:
    """The name of a batch's rows as they read now: see ``noria.data.multiset``.

    Raises
    ------
    Damaged
        If they cannot be read.
    """
    try:
        return multiset.digest(table.own(path, batch))
    except (pl.exceptions.PolarsError, OSError) as error:
        cause = (str(error).splitlines() or [type(error).__name__])[0][:160]
        raise Damaged(f"batch {batch} cannot be read: {cause}", where=path, do="Restore it from a backup.") from error
