"""The words that name versions of data and their batches, and what they name."""

from typing import Annotated

import typer

from noria.cli import output
from noria.errors import NotFound
from noria.run.place import Place
from noria.store import datasets, verdicts

AsJson = Annotated[bool, typer.Option("--json", help="Print the result as JSON.")]
Name = Annotated[str, typer.Argument(metavar="DATASET[@VERSION]", help="Such as income, income@2 or income@TAG.")]
Dataset = Annotated[str, typer.Argument(metavar="DATASET")]
BatchId = Annotated[str, typer.Argument(metavar="BATCH", help="Its id, or as much of its beginning as is unique.")]
Reason = Annotated[str, typer.Option(help="Why; it goes on record.")]


def find(place: Place, name: str) -> datasets.Version:
    """The version that ``DATASET``, ``DATASET@2`` or ``DATASET@tag`` names."""
    dataset, _, which = name.partition("@")
    must_be_known(place, dataset)
    with place.store.read() as c:
        if not which:
            return datasets.versions(c, dataset)[-1]
        tags = datasets.tags(c, dataset)
        number = tags.get(which, output.number(which))
        if number is None:
            raise output.unknown("tag", which, tags, where=f"dataset {dataset}")
        return datasets.get_version(c, dataset, number)


def must_be_known(place: Place, dataset: str) -> None:
    """``NotFound`` if there is no version of the dataset."""
    with place.store.read() as c:
        known = datasets.datasets(c)
    if dataset not in known:
        raise output.unknown("dataset", dataset, known, where="datasets")


def batch(place: Place, dataset: str, id: str) -> datasets.Batch:
    """A dataset's batch by its id or the beginning of it."""
    must_be_known(place, dataset)
    with place.store.read() as c:
        try:
            return verdicts.find(c, dataset, id)
        except NotFound as error:
            known = [one.id for one in datasets.batches(c, dataset)]
            raise output.unknown("batch", id or "''", known, where=f"dataset {dataset}") from error


def held(place: Place, version: datasets.Version) -> list[datasets.Batch]:
    """The batches of a version, in its order."""
    with place.store.read() as c:
        known = {one.id: one for one in datasets.batches(c, version.dataset)}
    return [known[id] for id in version.batches]


def path(place: Place, dataset: str) -> str:
    """The folder of a dataset's Delta table."""
    return f"{place.settings.data}/{dataset}"


def called(version: datasets.Version) -> str:
    return f"{version.dataset}@{version.number}"
