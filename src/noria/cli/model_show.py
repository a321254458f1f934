"""noria model show, card and record: what a version is, for a glance, for a reader, for an auditor."""

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import typer

from noria.cli import output
from noria.cli.model_find import AsJson, Name, find
from noria.errors import UserError
from noria.release import record as records
from noria.run.place import Place
from noria.run.reports import write
from noria.store import datasets, registry, runs


def show(name: Name, json: AsJson = False) -> None:
    """One version: what it was made of, what it scored, why it was released."""
    place = output.existing_place()
    found = find(place, name)
    with place.store.read() as c:
        release = registry.get_release(c, found.release_id)
        bundle = runs.get(c, found.run_id).plan.bundle
        processed = records.processed(c, found)
        ids = datasets.get_version(c, found.dataset, found.dataset_version).batches if found.dataset else []
    if json:
        output.show_json(
            {"version": found, "release": release, "bundle": bundle, "batches": ids, "processed": processed}
        )
        return
    rows = [*_made_of(found, bundle, ids, processed), *_judged(release)]
    output.show_table(f"{found.model}@{found.number}", ["", ""], rows)
    if found.dataset:
        here, data = f"{found.model}@{found.number}", f"{found.dataset}@{found.dataset_version}"
        output.say(
            f"More: noria model record {here} --html FILE, noria trace model {here}, noria trace data {data} --down"
        )


def card(name: Name, json: AsJson = False) -> None:
    """Print the file with the model card."""
    place = output.existing_place()
    found = find(place, name)
    file = _card_of(place, found)
    if json:
        output.show_json({"model": found.model, "number": found.number, "file": file})
    else:
        print(file)


def record(
    name: Name,
    html: Annotated[Path | None, typer.Option(help="Write it as one page into this file.")] = None,
    json: AsJson = False,
) -> None:
    """All that is on record of a version, for a reader without noria: as JSON, or as one self-contained page."""
    if html is None and not json:
        raise UserError("neither --html nor --json is given", where="noria model record", do="Say --html FILE.")
    place = output.existing_place()
    version = find(place, name)
    with place.store.read() as c:
        found = records.whole(c, place.artifacts, version)
    if html is not None:
        html.write_bytes(records.html(found))
    if json:
        output.show_json(found)
    else:
        output.say(f"The record of {version.model}@{version.number} is written: {html}")


def _made_of(
    found: registry.ModelVersion, bundle: str, ids: Any, processed: dict[str, str]
) -> Iterator[tuple[str, Any]]:
    yield "package", f"{found.format}, {found.package[:12]}"
    yield "data", f"{found.dataset}@{found.dataset_version}" if found.dataset else None
    yield "batches", ", ".join(ids) or None
    features = {name: digest[:12] for name, digest in processed.items() if name.startswith("X.")}
    yield "processed data", features or None
    yield "code bundle", bundle[:12] or None
    yield "parameters", found.params or None
    yield "metrics", found.metrics or None
    yield "run", found.run_id


def _judged(release: registry.Release) -> Iterator[tuple[str, Any]]:
    yield "release", f"{release.id}: {release.decision} by {release.decided_by}, {release.reason}"
    yield from ((f"gate {v['gate']}", f"{v['verdict']}: {v['evidence']}") for v in release.verdicts)


def _card_of(place: Place, found: registry.ModelVersion) -> Path:
    """The file of the run's reports that holds the card, written again where it is missing."""
    with place.store.read() as c:
        run, steps = runs.get(c, found.run_id), runs.steps(c, found.run_id)
    files = [place.settings.reports / found.run_id / f"{step}-card.html" for step in ("release", "import")]
    if not any(file.exists() for file in files):
        write(place, run, steps)
    return next(file for file in files if file.exists())
