"""Rows that come twice: subjects that have one row each, and whole deliveries that were there before."""

from collections.abc import Iterator

from noria.data import distinct
from noria.data.column import Column
from noria.data.profile import Profile
from noria.data.schema import Schema
from noria.stats.interval import difference
from noria.validate.report import Anomaly

FEW = 0.05  # if fewer subjects than this have several rows, a subject is meant to have one
UNIQUE = 0.9  # a column with so many different values a row tells rows apart
ENOUGH = 100  # rows
SURE = 3.0  # standard errors
ROWS = "(rows)"
DO = "See whether the source delivered rows twice; quarantine the batch if it did."


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
        yield Anomaly(
            name, f"{share:.0%} of the subjects have several rows in the new data, before {usual:.0%}", "warn", DO,
            {"share": share, "before": usual},
        )  # fmt: skip
    again = distinct.common(old, now)
    if again > FEW and fresh.rows >= ENOUGH:
        yield Anomaly(
            name, f"{again:.0%} of the subjects were there before, and had one row each", "warn", DO, {"again": again}
        )


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
        yield Anomaly(ROWS, f"{min(found):.0%} of the new rows were delivered before or twice", "warn", DO,
                      {"share": min(found)})  # fmt: skip


def _tells(column: Column) -> bool:
    return column.kind in ("number", "category") and column.rows >= ENOUGH and column.distinct > UNIQUE * column.rows
