"""noria data verify: do the rows read back as they were collected?"""

from dataclasses import dataclass

import typer

from noria.cli import output
from noria.cli.versions.names import AsJson, Name, called, find, held, path
from noria.data import multiset
from noria.data.version import read_back
from noria.errors import Damaged
from noria.run.place import Place
from noria.store import datasets

SAME, RECORDED, OTHER = "as recorded", "recorded now", "NOT as recorded"


@dataclass(frozen=True, slots=True)
class Checked:
    """A batch: what its rows are by the record, and as they read now (None: they cannot be read)."""

    batch: str
    rows: int
    recorded: str | None
    found: str | None
    said: str


def verify(name: Name, json: AsJson = False) -> None:
    """Read every row of a version and hold the rows against the digest on record; ends with 1 if one differs."""
    place = output.existing_place()
    version = find(place, name)
    checked = [_checked(place, batch) for batch in held(place, version)]
    found = [one.found for one in checked if one.found is not None]
    good = all(one.said in (SAME, RECORDED) for one in checked)
    digest = multiset.combined(found) if len(found) == len(checked) else None
    if json:
        output.show_json({"version": called(version), "good": good, "rows_digest": digest, "batches": checked})
    else:
        output.show_table(called(version), ["batch", "rows", "", "digest"], [_row(one) for one in checked])
        output.say(f"{called(version)} reads back exactly: {digest}" if good else f"{called(version)} is damaged.")
    if not good:
        raise typer.Exit(1)


def _checked(place: Place, batch: datasets.Batch) -> Checked:
    try:
        found = read_back(path(place, batch.dataset), batch.id)
    except Damaged as error:
        return Checked(batch.id, batch.rows, batch.rows_digest, None, error.what)
    if multiset.rows_of(found) != batch.rows or batch.rows_digest not in (None, found):
        return Checked(batch.id, batch.rows, batch.rows_digest, found, OTHER)
    if batch.rows_digest is not None:
        return Checked(batch.id, batch.rows, batch.rows_digest, found, SAME)
    with place.store.begin() as c:
        datasets.set_rows_digest(c, batch.dataset, batch.id, found)
    return Checked(batch.id, batch.rows, found, found, RECORDED)


def _row(one: Checked) -> tuple[object, ...]:
    return one.batch, one.rows, one.said, one.found
