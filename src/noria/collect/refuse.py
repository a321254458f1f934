"""Rows of a subject that was erased arrive again: they are not taken in."""

from dataclasses import replace
from typing import Any

import polars as pl

from noria.collect.offer import Taken
from noria.data import erase
from noria.store import erasures
from noria.store.attempt import Alert, Attempt


def without_erased(attempt: Attempt, taken: Taken, name: str) -> Taken:
    """What was taken, without the rows of subjects that this dataset refuses; an alert says how many there were.

    Raises
    ------
    UserError
        If it cannot be known who they are: the secret is another one than when they were erased.
    """
    column = attempt.schema.subject
    with attempt.store.read() as c:
        refused = erasures.refused(c, attempt.lifecycle)
    if not refused or column is None or column not in taken.schema:
        return taken
    secret = erasures.Secret(attempt.settings.secret)
    secret.must_be(refused.values())
    rows = taken.rows.lazy() if isinstance(taken.rows, pl.DataFrame) else pl.scan_parquet(taken.rows)
    subjects = rows.select(pl.col(column).cast(pl.String)).unique().collect(engine="streaming").to_series()
    again = [one for one in subjects.drop_nulls() if any(secret.digest(name) in refused for name in erase.names(one))]
    return _without(attempt, taken, name, again) if again else taken


def _without(attempt: Attempt, taken: Taken, name: str, subjects: list[str]) -> Taken:
    theirs = erase.holds(str(attempt.schema.subject), subjects, taken.schema[attempt.schema.subject])
    kept: Any
    if isinstance(taken.rows, pl.DataFrame):
        count = taken.rows.filter(theirs).height
        kept = taken.rows.filter(~theirs)
    else:
        count = int(pl.scan_parquet(taken.rows).select(theirs.sum()).collect(engine="streaming").item())
        kept = attempt.scratch / f"{taken.content}.kept"
        pl.scan_parquet(taken.rows).filter(~theirs).sink_parquet(kept)
        taken.check()
    what = f"{count:,} row{'s' if count != 1 else ''} of subjects that were erased arrived again and were not taken in"
    do = "Remove them where they come from; 'noria erase' named the sources."
    attempt.alert(Alert("warn", what, name, do, {"rows": count}))
    return replace(taken, rows=kept, own=not isinstance(kept, pl.DataFrame), note={**taken.note, "refused": count})
