"""noria data log: all versions."""

from collections.abc import Sequence
from typing import Annotated

import typer

from noria.cli import output
from noria.cli.versions.names import AsJson, called, must_be_known
from noria.store import datasets, erasures


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
        amended = {(name, n): one for name in names for n, one in erasures.amendments(c, name).items()}
        tags = {(name, word): number for name in names for word, number in datasets.tags(c, name).items()}
    words: dict[tuple[str, int], list[str]] = {(v.dataset, v.number): [] for v in found}
    for (name, word), number in tags.items():
        words[name, number].append(word)
    if json:
        output.show_json(
            [{**output.plain(v), "tags": words[v.dataset, v.number],
              "amended": output.plain(amended.get((v.dataset, v.number), []))} for v in found]
        )  # fmt: skip
        return
    rows = [
        (called(v), ", ".join(words[v.dataset, v.number]), v.created_at, v.rows, len(v.batches), v.verdict, v.remedy,
         v.digest[:12], *([_since(amended.get((v.dataset, v.number), []))] if amended else []))
        for v in found
    ]  # fmt: skip
    columns = ["version", "tags", "made", "rows", "batches", "verdict", "remedy", "digest"]
    output.show_table("Versions", [*columns, *(["amended"] if amended else [])], rows)


def _since(amended: Sequence[erasures.Amended]) -> str | None:
    """When rows were last taken out of a version, and by which erasure."""
    return f"{output.cell(amended[-1].at)} by erasure {amended[-1].erasure}" if amended else None
