"""noria data schema: what new rows must be like, as a file to review and edit."""

import json as plain
from pathlib import Path
from typing import Annotated

import typer

from noria.cli import output
from noria.cli.versions.compare import Force
from noria.cli.versions.files import replacing
from noria.cli.versions.names import AsJson, Name, called, find
from noria.digest import Digest
from noria.errors import UserError
from noria.run.place import Place
from noria.store import datasets
from noria.validate import schema_file
from noria.validate.expected import Expected, of_json

Write = Annotated[Path | None, typer.Option(help="A file to write, beside the lifecycle file: loans.schema.toml.")]


def schema(name: Name, write: Write = None, force: Force = False, json: AsJson = False) -> None:
    """What new rows must be like, inferred from a version; nr.Validate(expect=FILE) holds them against it."""
    place = output.existing_place()
    version = _meant(place, name)
    columns = _inferred(place, version)
    text = schema_file.written(columns, version.dataset, f"{called(version)} ({version.rows:,} rows)")
    if write is not None:
        if write.suffix != ".toml":
            raise UserError(f"{write.name} does not end in .toml", where="--write", do=f"Write {write.stem}.toml.")
        with replacing(write, force=force) as part:
            part.write_text(text, encoding="utf-8")
    if json:
        output.show_json({name: one.to_json() for name, one in columns.items()})
    elif write is not None:
        output.say(f"{len(columns)} columns in {write}. Review it, then declare nr.Validate(expect={write.name!r}).")
    else:
        typer.echo(text, nl=False)


def _meant(place: Place, name: str) -> datasets.Version:
    """Of a dataset without a version, the newest that was let pass: what stopped a run is no example."""
    newest = find(place, name)
    if "@" in name:
        return newest
    with place.store.read() as c:
        return datasets.accepted(c, newest.dataset) or newest


def _inferred(place: Place, version: datasets.Version) -> dict[str, Expected]:
    if version.schema is None:
        raise UserError(f"{called(version)} was not validated yet", where="noria data schema", do="Run the lifecycle.")
    return of_json(plain.loads(place.artifacts.get(Digest(version.schema))))
