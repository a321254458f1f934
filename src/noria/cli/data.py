"""noria data: versions of the data."""

import re
from pathlib import Path
from typing import Annotated, Any

import typer

from noria.cli import output
from noria.data import table
from noria.errors import UserError
from noria.run.place import Place
from noria.store import datasets

TAG = re.compile(r"[A-Za-z][A-Za-z0-9._-]*")
app = output.app("Versions of the data, and the batches they hold.")
AsJson = Annotated[bool, typer.Option("--json", help="Print the result as JSON.")]
Name = Annotated[str, typer.Argument(metavar="DATASET[@VERSION]", help="Such as income, income@2 or income@TAG.")]


@app.command()
def log(
    dataset: Annotated[str | None, typer.Argument(help="All of them if left out.")] = None, json: AsJson = False
) -> None:
    """All versions, oldest first."""
    place = output.existing_place()
    with place.store.read() as c:
        names = datasets.datasets(c)
        if dataset is not None and dataset not in names:
            raise output.unknown("dataset", dataset, names, where="datasets")
        wanted = [dataset] if dataset else names
        found = [version for name in wanted for version in datasets.versions(c, name)]
        tags: dict[tuple[str, int], list[str]] = {}
        for name in wanted:
            for word, number in datasets.tags(c, name).items():
                tags.setdefault((name, number), []).append(word)
    if json:
        output.show_json([{**output.plain(v), "tags": tags.get((v.dataset, v.number), [])} for v in found])
        return
    rows = [
        (f"{v.dataset}@{v.number}", ", ".join(tags.get((v.dataset, v.number), ())), v.created_at, v.rows,
         len(v.batches), v.verdict, v.remedy, v.digest[:12])
        for v in found
    ]  # fmt: skip
    columns = ["version", "tags", "made", "rows", "batches", "verdict", "remedy", "digest"]
    output.show_table("Versions", columns, rows)


@app.command()
def show(name: Name, json: AsJson = False) -> None:
    """One version, its batches, and how any engine reads it."""
    place = output.existing_place()
    version = find(place, name)
    with place.store.read() as c:
        held = {b.id: b for b in datasets.batches(c, version.dataset)}
    path = f"{place.settings.data}/{version.dataset}"
    names = ", ".join(f"'{id}'" for id in version.batches)
    condition = f"{table.BATCH} IN ({names})"
    if json:
        output.show_json(
            {"version": version, "batches": [held[id] for id in version.batches], "delta": path, "where": condition}
        )
        return
    rows = [
        (id, held[id].origin, held[id].source["name"], held[id].rows, held[id].arrived_at) for id in version.batches
    ]
    output.show_table(f"{version.dataset}@{version.number}", ["batch", "from", "source", "rows", "arrived"], rows)
    output.say(f"Verdict {version.verdict or 'not validated yet'}, remedy {version.remedy or 'none'}.")
    output.say(f"Any engine reads it: Delta table {path}\n  WHERE {condition}")


@app.command()
def diff(old: Name, new: Name, json: AsJson = False) -> None:
    """Batches, rows, columns and label shares that two versions do not share."""
    place = output.existing_place()
    a, b = find(place, old), find(place, new)
    if a.dataset != b.dataset:
        raise UserError(
            f"{old} and {new} are of different datasets", where="noria data diff", do="Give two versions of one."
        )
    with place.store.read() as c:
        rows = {x.id: x.rows for x in datasets.batches(c, a.dataset)}
    added = [id for id in b.batches if id not in a.batches]
    gone = [id for id in a.batches if id not in b.batches]
    found: dict[str, Any] = {
        "batches added": added,
        "batches gone": gone,
        "rows added": sum(rows.get(id, 0) for id in added),
        "rows gone": sum(rows.get(id, 0) for id in gone),
        "labels before": labels(place, a),
        "labels after": labels(place, b),
    }
    if json:
        output.show_json(found)
    else:
        output.show_table(
            f"{old} → {new}", ["", ""], [(k, ", ".join(v) if isinstance(v, list) else v) for k, v in found.items()]
        )


@app.command()
def tag(name: Name, word: Annotated[str, typer.Argument(metavar="TAG")], json: AsJson = False) -> None:
    """Give a version a name of your own."""
    place = output.existing_place()
    version = find(place, name)
    if not TAG.fullmatch(word):
        raise UserError(
            f"{word!r} is no tag",
            where="noria data tag",
            do="Begin with a letter; then letters, digits, '.', '_', '-'.",
        )
    with place.store.begin() as c:
        datasets.set_tag(c, place.clock, version.dataset, word, version.number)
    if json:
        output.show_json({"dataset": version.dataset, "tag": word, "version": version.number})
    else:
        output.say(f"{version.dataset}@{word} is {version.dataset}@{version.number}")


@app.command()
def export(
    name: Name, file: Annotated[Path, typer.Argument(help="To write: .parquet, .csv or .jsonl.")], json: AsJson = False
) -> None:
    """Write a version's rows to one file."""
    place = output.existing_place()
    version = find(place, name)
    rows = table.scan(f"{place.settings.data}/{version.dataset}", version.batches).drop(*table.RESERVED)
    sinks: dict[str, Any] = {".parquet": rows.sink_parquet, ".csv": rows.sink_csv, ".jsonl": rows.sink_ndjson}
    if file.suffix not in sinks:
        raise UserError(f"cannot write {file.suffix!r}", where=str(file), do=f"Use one of {', '.join(sinks)}.")
    if not file.absolute().parent.is_dir():
        raise UserError("there is no such folder", where=str(file.parent), do="Make it, or choose another.")
    sinks[file.suffix](file)
    if json:
        output.show_json({"dataset": version.dataset, "version": version.number, "rows": version.rows, "file": file})
    else:
        output.say(f"{version.rows:,} rows in {file}")


def find(place: Place, name: str) -> datasets.Version:
    """The version that ``DATASET``, ``DATASET@2`` or ``DATASET@tag`` names."""
    dataset, _, which = name.partition("@")
    with place.store.read() as c:
        found = datasets.versions(c, dataset)
        if not found:
            raise output.unknown("dataset", dataset, datasets.datasets(c), where="datasets")
        if not which:
            return found[-1]
        tags = datasets.tags(c, dataset)
        number = tags.get(which, output.number(which))
        if number is None:
            raise output.unknown("tag", which, tags, where=f"dataset {dataset}")
        return datasets.get_version(c, dataset, number)


def labels(place: Place, version: datasets.Version) -> dict[str, float]:
    """Label shares of a version that was validated."""
    import json

    from noria.data.profile import Profile
    from noria.digest import Digest

    if version.profile is None:
        return {}
    return Profile.from_json(json.loads(place.artifacts.get(Digest(version.profile)))).label_shares()


def command(words: list[str]) -> int:
    return output.run_app(app, "data", words)
