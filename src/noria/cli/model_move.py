"""noria model export and import: a version leaves for other tools, a model from elsewhere becomes one."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import polars as pl
import typer

from noria.cli import output
from noria.cli.model_find import AsJson, Name, Reason, find
from noria.digest import Digest
from noria.errors import NotFound, UserError
from noria.lifecycle import NAME as NAMES
from noria.model import elsewhere, example, package
from noria.model.foreign import Wish
from noria.model.package import Package
from noria.model.portable import portable
from noria.release import imports, record
from noria.run.place import Place
from noria.store import registry, runs
from noria.store.verdicts import Person

FORMATS = ("mlflow", "onnx", "noria")


def export(
    name: Name,
    path: Annotated[Path, typer.Argument(help="A new folder for mlflow, a new file for onnx and noria.")],
    format: Annotated[str, typer.Option(help=", ".join(FORMATS))] = "mlflow",
    json: AsJson = False,
) -> None:
    """Write a version for other tools: an MLflow model directory, an ONNX file, or noria's own package."""
    if format not in FORMATS:
        raise output.unknown("format", format, FORMATS, where="noria model export")
    place = output.existing_place()
    version = find(place, name)
    if path.exists():
        raise UserError("there is something already", where=str(path), do="Give a name that is not there yet.")
    digest = Digest(version.package)
    packed = package.from_bytes(place.artifacts.get(digest), digest, where=f"artifact {digest}")
    if not path.parent.is_dir():
        raise UserError("there is no such folder", where=str(path.parent), do="Make it first.")
    if format == "mlflow":
        _write_mlflow(place, version, packed, path)
    else:
        path.write_bytes(portable(packed) if format == "onnx" else packed.to_bytes())
    if json:
        output.show_json({"model": version.model, "number": version.number, "format": format, "path": path})
    else:
        output.say(f"{version.model}@{version.number} is written as {format}: {path}")


def import_(
    model: Annotated[str, typer.Argument(metavar="MODEL", help="The name it gets; a new one, or one there is.")],
    path: Annotated[Path, typer.Argument(help="An MLflow model directory, an ONNX file or a noria package.")],
    reason: Reason,
    classes: Annotated[str, typer.Option(help="Labels in the order of the probabilities, such as no,yes.")] = "",
    label: Annotated[str, typer.Option(help="The name of what is predicted.")] = "label",
    trust: Annotated[str | None, typer.Option(help="SHA-256 of a pickle that may be read.")] = None,
    json: AsJson = False,
) -> None:
    """Take a model that was made elsewhere into the registry, as the next version; on record who did and why."""
    if not NAMES.fullmatch(model):
        raise UserError(f"{model!r} is no model's name", where="MODEL", do="Use lower-case letters, digits, '-', '_'.")
    if not reason.strip():
        raise UserError("the reason is empty", where="--reason", do="Say why; it goes on record.")
    place = output.place_for()
    named = tuple(one.strip() for one in classes.split(",") if one.strip())
    packed, origin = elsewhere.read(path, Wish(label, named, trust))
    person = Person(place.settings.actor, reason)
    with place.store.begin() as c:
        made = imports.take_in(c, place.artifacts, place.clock, model, packed, f"{origin} {path.name}", person)
        alias = next(one for one, number in registry.aliases(c, model).items() if number == made.number)
    if json:
        output.show_json(made)
        return
    output.say(f"{model}@{made.number} is imported, {alias}, on record why. It takes {_inputs(packed)}.")
    output.say(f"Next, to give it traffic: noria model promote {model}@{made.number}")


def _inputs(packed: Package) -> str:
    return ", ".join(f"{one.name} ({one.kind})" for one in packed.signature.inputs[: output.MOST])


def _write_mlflow(place: Place, version: registry.ModelVersion, packed: Package, path: Path) -> None:
    from noria.model import mlflow

    with place.store.read() as c:
        release = registry.get_release(c, version.release_id)
    about: Mapping[str, Any] = record.read(place.artifacts, release)
    mlflow.write(path, packed, example.typical(packed.signature, _analysis_rows(place, version)), about)


def _analysis_rows(place: Place, version: registry.ModelVersion) -> pl.DataFrame | None:
    """The rows that the version was analysed on, if they are still there."""
    with place.store.read() as c:
        try:
            step = runs.step(c, version.run_id, "preprocess")
        except NotFound:
            return None
        kept = runs.result(c, step.id).outputs.get("rows.analysis.parquet")
    return pl.read_parquet(place.artifacts.path(kept.digest)) if kept and place.artifacts.has(kept.digest) else None
