"""noria data tag, tags, untag: names of one's own for versions."""

import re
from typing import Annotated

import typer

from noria.cli import output
from noria.cli.versions.names import AsJson, Dataset, Name, called, find, must_be_known
from noria.errors import UserError
from noria.store import datasets

TAG = re.compile(r"[A-Za-z][A-Za-z0-9._-]{0,99}")
Word = Annotated[str, typer.Argument(metavar="TAG")]


def tag(name: Name, word: Word, json: AsJson = False) -> None:
    """Give a version a name of your own; a name that is in use moves to it."""
    place = output.existing_place()
    version = find(place, name)
    if not TAG.fullmatch(word):
        raise UserError(
            f"{word!r} is no tag",
            where="noria data tag",
            do="Begin with a letter; then letters, digits, '.', '_', '-'; at most 100 in all.",
        )
    with place.store.begin() as c:
        before = datasets.tags(c, version.dataset).get(word)
        datasets.set_tag(c, place.clock, version.dataset, word, version.number, actor=place.settings.actor)
    if json:
        output.show_json({"dataset": version.dataset, "tag": word, "version": version.number, "before": before})
        return
    moved = f"; it was {version.dataset}@{before}" if before not in (None, version.number) else ""
    output.say(f"{version.dataset}@{word} is {called(version)}{moved}")


def tags(dataset: Dataset, json: AsJson = False) -> None:
    """The tags of a dataset."""
    place = output.existing_place()
    must_be_known(place, dataset)
    with place.store.read() as c:
        found = datasets.tags(c, dataset)
    if json:
        output.show_json(found)
    else:
        output.show_table(f"Tags of {dataset}", ["tag", "version"], [(w, f"{dataset}@{n}") for w, n in found.items()])


def untag(dataset: Dataset, word: Word, json: AsJson = False) -> None:
    """Remove a tag; the version stays."""
    place = output.existing_place()
    must_be_known(place, dataset)
    with place.store.begin() as c:
        found = datasets.tags(c, dataset)
        if word not in found:
            raise output.unknown("tag", word, found, where=f"dataset {dataset}")
        datasets.remove_tag(c, place.clock, dataset, word, actor=place.settings.actor)
    if json:
        output.show_json({"dataset": dataset, "tag": word, "before": found[word]})
    else:
        output.say(f"{dataset}@{word} is no name any more; it was {dataset}@{found[word]}")
