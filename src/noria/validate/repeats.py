"""Rows that come twice: subjects that have one row each, and whole deliveries that were there before."""

from collections.abc import Iterator

import polars as pl

from noria.data import distinct
from noria.data.column import Column
from noria.data.profile import Profile
from noria.data.schema import Schema
from noria.stats.interval import difference
from noria.validate.expected import Columns
from noria.validate.report import Anomaly

FEW = 0.05  # if fewer subjects than this have several rows, a subject is meant to have one
UNIQUE = 0.9  # a column with so many different values a row tells rows apart
ENOUGH = 100  # rows
SURE = 3.0  # standard errors
ROWS = "(rows)"
DO = "See whether the source delivered rows twice; if it did: 'noria data quarantine'."


def repeats(before: Profile | None, fresh: Profile, schema: Schema) -> Iterator[Anomaly]:
    """Subjects with several rows where each had one, or, without subjects, rows that were delivered before.

    Both are told from a sample of the values that is kept in the profile, so that no old row is read again.
    """
    if schema.subject in fresh.columns and schema.subject is not None:
        column = fresh.columns[schema.subject]
        yield from _subjects(before.columns.get(schema.subject) if before else None, column, schema.subject)
    else:
        yield from _rows(before, fresh, schema)


def _subjects(before: Column | None, fresh: Column, name: str) -> Iterator[Anomaly]:
    now, old = fresh.sampled(), before.sampled() if before else {}
    usual = distinct.repeated(old)
    if not now or usual > FEW:
        return
    share = distinct.repeated(now)
    sure = difference(usual, len(old), share, len(now), SURE)[0] > 0 if old else False
    if sure and share > usual + FEW / 5:
        what = f"{share:.0%} of the subjects have several rows in the new data, before {usual:.0%}"
        yield Anomaly("duplicates", name, what, DO, {"share": share, "before": usual})
    again = distinct.common(old, now)
    if again > FEW and fresh.rows >= ENOUGH:
        what = f"{again:.0%} of the subjects were there before, and had one row each"
        yield Anomaly("duplicates", name, what, DO, {"again": again})


def _rows(before: Profile | None, fresh: Profile, schema: Schema) -> Iterator[Anomaly]:
    """Told by the columns whose values tell rows apart: all of them must repeat."""
    if before is None or fresh.rows < ENOUGH:
        return
    telling = [
        (before.columns[name], column)
        for name, column in fresh.columns.items()
        if name in before.columns and name != schema.label and _tells(before.columns[name])
    ]
    found = [max(distinct.repeated(b.sampled()), distinct.common(a.sampled(), b.sampled())) for a, b in telling]
    if found and min(found) > FEW:
        what = f"{min(found):.0%} of the new rows were delivered before or twice"
        yield Anomaly("duplicates", ROWS, what, DO, {"share": min(found)})


def _tells(column: Column) -> bool:
    return column.kind in ("number", "category") and column.rows >= ENOUGH and column.distinct > UNIQUE * column.rows


def twice(
    must: Columns, before: Profile | None, fresh: Profile, rows: pl.LazyFrame | pl.DataFrame | None
) -> Iterator[Anomaly]:
    """Values that come twice in columns that are declared unique: among the new rows exactly, if they are at hand.

    Those that were there before are told from samples: all of them are found in up to 1000 values, of more the share.
    """
    named = [name for name, one in must.items() if one.unique and name in fresh.columns]
    counted = {name: round(_repeated(fresh.columns[name])) for name in named}
    if rows is not None and named:
        exact = [pl.col(name).drop_nulls().is_duplicated().sum() for name in named]
        counted = rows.lazy().select(exact).collect().row(0, named=True)
    for name in named:
        old = before.columns.get(name) if before else None
        again = distinct.common(old.sampled(), fresh.columns[name].sampled()) if old else 0.0
        if counted[name]:
            what = f"{counted[name]:,} rows have a value that others have too"
            yield Anomaly("unique", name, what, DO, {"rows": counted[name]})
        if again:
            what = f"{again:.1%} of the values were there before"
            yield Anomaly("unique", name, what, DO, {"again": again})


def _repeated(column: Column) -> float:
    """Rows whose value other rows have, by the sample."""
    sample = column.sampled()
    share = sum(rows for rows in sample.values() if rows > 1) / max(1, sum(sample.values()))
    return share * column.present
