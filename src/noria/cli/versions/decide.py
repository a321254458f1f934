"""noria data quarantine, restore, accept: what a person decides about data, on record."""

from typing import Annotated

import typer

from noria.cli import output
from noria.cli.versions.names import AsJson, BatchId, Dataset, Reason, batch, called, find
from noria.run.place import Place
from noria.store import datasets, verdicts
from noria.store.verdicts import Person

ExactName = Annotated[str, typer.Argument(metavar="DATASET@VERSION", help="The version that a run stopped at.")]


def quarantine(dataset: Dataset, id: BatchId, reason: Reason, json: AsJson = False) -> None:
    """Leave a batch out: makes the version without it. Its rows stay, and 'restore' takes it back in."""
    place = output.existing_place()
    found = batch(place, dataset, id)
    if found.state == "quarantined":
        _told(_version_now(place, dataset), found, f"is left out already: {found.reason}", json)
        return
    with place.store.begin() as c:
        version = verdicts.quarantine(c, place.clock, dataset, found.id, _me(place, reason))
    _told(version, found, "is left out, on record why", json)


def restore(dataset: Dataset, id: BatchId, reason: Reason, json: AsJson = False) -> None:
    """Take a quarantined batch back in: makes the version with it."""
    place = output.existing_place()
    found = batch(place, dataset, id)
    if found.state == "accepted":
        _told(_version_now(place, dataset), found, "is in already", json)
        return
    with place.store.begin() as c:
        version = verdicts.restore(c, place.clock, dataset, found.id, _me(place, reason))
    _told(version, found, "is in again, on record why", json)


def accept(name: ExactName, reason: Reason, json: AsJson = False) -> None:
    """Let a version go on that validation had blocked."""
    place = output.existing_place()
    found = find(place, name)
    with place.store.begin() as c:
        version = verdicts.accept(c, place.clock, found.dataset, found.number, _me(place, reason))
    if json:
        output.show_json(version)
    else:
        output.say(f"{called(version)} may go on, on record why. Next: the same 'noria run FILE'.")


def _version_now(place: Place, dataset: str) -> datasets.Version:
    """The version of the batches that are accepted now; else, as none was made of them yet, the newest."""
    with place.store.read() as c:
        ids = [one.id for one in datasets.batches(c, dataset) if one.state == "accepted"]
        found = datasets.versions(c, dataset)
    return next((one for one in found if list(one.batches) == ids), found[-1])


def _told(version: datasets.Version, batch: datasets.Batch, what: str, json: bool) -> None:
    if json:
        output.show_json({"batch": batch.id, "version": version})
        return
    output.say(f"Batch {batch.id} ({batch.source['name']}, {batch.rows:,} rows) {what}.")
    output.say(f"{called(version)} is the version now: {version.rows:,} rows. Next: the same 'noria run FILE'.")


def _me(place: Place, reason: str) -> Person:
    return Person(place.settings.actor, reason)
