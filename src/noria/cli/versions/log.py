"""noria data log: all versions."""

from typing import Annotated

import typer

from noria.cli import output
from noria.cli.versions.names import AsJson, called, must_be_known
from noria.store import datasets


def log(
    dataset: Annotated[str | None, typer.Argument(help="All of them if left out.")] = None, json: AsJson = False
) -> None:
    """All versions, oldest first."""
    place = output.existing_place()
    if dataset is not None:
        must_be_known(place, dataset)
    with place.store.read() as c:
        names = [dataset] if dataset else datasets.datasets(c)
        found = [version for name in names for version in datasets.versions(c, name)]
        tags = {(name, word): number for name in names for word, number in datasets.tags(c, name).items()}
    words: dict[tuple[str, int], list[str]] = {(v.dataset, v.number): [] for v in found}
    for (name, word), number in tags.items():
        words[name, number].append(word)
    if json:
        output.show_json([{**output.plain(v), "tags": words[v.dataset, v.number]} for v in found])
        return
    rows = [
        (called(v), ", ".join(words[v.dataset, v.number]), v.created_at, v.rows, len(v.batches), v.verdict, v.remedy,
         v.digest[:12])
        for v in found
    ]  # fmt: skip
    output.show_table("Versions", ["version", "tags", "made", "rows", "batches", "verdict", "remedy", "digest"], rows)
