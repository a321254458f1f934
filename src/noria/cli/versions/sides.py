"""Two sets of rows that are held against each other: versions, batches or files, by what people call them."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from functools import reduce
from pathlib import Path
from typing import Any

import polars as pl

from noria.cli import output
from noria.cli.versions import names
from noria.collect import files
from noria.collect.config import Files
from noria.data import table
from noria.data.profile import Profile, profile
from noria.data.schema import Schema
from noria.data.stored import readable
from noria.digest import Digest
from noria.errors import BadInput
from noria.run.place import Place
from noria.store import datasets, runs
from noria.validate.batches import counted
from noria.validate.config import Validate

NO_LABEL = ""  # a column that there is not


@dataclass(frozen=True, slots=True)
class Data:
    """Batches of a dataset."""

    name: str
    dataset: str
    batches: Sequence[datasets.Batch]
    profile: str | None = None


@dataclass(frozen=True, slots=True)
class File:
    name: str
    path: Path


Side = Data | File


def side(name: str) -> Side:
    """What ``DATASET@2``, ``DATASET@tag``, ``DATASET/BATCH`` or a path names; a file that is there comes first."""
    path = Path(name)
    if path.is_file():
        return File(name, path)
    if "".join(path.suffixes[-1:]).lower() in files.BY_SUFFIX:
        raise output.unknown("file", name, _beside(path), where=f"folder {path.parent.resolve()}")
    place = output.existing_place()
    dataset, slash, id = name.partition("/")
    if slash:
        found = names.batch(place, dataset, id)
        return Data(f"{dataset}/{found.id}", dataset, [found], found.profile)
    version = names.find(place, name)
    return Data(names.called(version), version.dataset, names.held(place, version), version.profile)


def _beside(path: Path) -> list[str]:
    """Files of data where one was looked for, as the user would name them."""
    found = path.parent.iterdir() if path.parent.is_dir() else ()
    return [str(one) for one in found if one.suffix.lower() in files.BY_SUFFIX]


def declared(sides: Sequence[Side], label: str | None) -> tuple[Schema, Validate]:
    """What the newest run of a dataset declares, or without a dataset, ``label`` and the defaults."""
    for one in sides:
        if isinstance(one, Data):
            with output.existing_place().store.read() as c:
                found = runs.newest(c, one.dataset)
            if found:
                config = found[0].plan.step("validate").config
                return _schema(config["schema"], label), _validate(config)
    return Schema(label=label or NO_LABEL), Validate()


def _schema(raw: Mapping[str, Any], label: str | None) -> Schema:
    known = {field.name: raw[field.name] for field in fields(Schema) if field.name in raw}
    return Schema(**{**known, **({"label": label} if label else {})})


def _validate(raw: Mapping[str, Any]) -> Validate:
    """The bounds; whatever else is declared decides about runs, not about comparing."""
    kept = {field.name: raw[field.name] for field in fields(Validate) if isinstance(raw.get(field.name), int | float)}
    return Validate(**kept)


def profile_of(one: Side, schema: Schema) -> Profile:
    """Statistics of a side: those on record where they count the same labels and groups, else from its rows."""
    if isinstance(one, File):
        return profile(_rows(one.path), schema)
    place = output.existing_place()
    whole = _kept(place, one.profile, schema)
    if whole is not None:
        return whole
    return reduce(Profile.merge, [of_batch(place, batch, schema) for batch in one.batches])


def of_batch(place: Place, batch: datasets.Batch, schema: Schema) -> Profile:
    kept = _kept(place, batch.profile, schema)
    path = names.path(place, batch.dataset)
    with readable(path):
        return kept or profile(table.own(path, batch.id), schema)


def _kept(place: Place, digest: str | None, schema: Schema) -> Profile | None:
    if digest is None:
        return None
    raw = json.loads(place.artifacts.get(Digest(digest)))
    return Profile.from_json(raw) if raw.get("counted") == counted(schema) else None


def _rows(path: Path) -> pl.DataFrame | pl.LazyFrame:
    source = Files(str(path))
    if path.suffix.lower() == ".parquet":
        return _parquet(path)
    return files.read(path, source)


def _parquet(path: Path) -> pl.LazyFrame:
    try:
        rows = pl.scan_parquet(path)
        rows.collect_schema()
    except (pl.exceptions.PolarsError, OSError) as error:
        cause = (str(error).splitlines() or [""])[0][:160]
        raise BadInput(f"{path.name} is not readable as parquet: {cause}", where=str(path), do="Correct it.") from error
    return rows
