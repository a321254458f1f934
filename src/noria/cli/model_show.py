"""noria model show, card and record: what a version is, for a glance, for a reader, for an auditor."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from noria.cli import output
from noria.cli.model_find import AsJson, Name, find
from noria.cli.versions.show import Made, processed_data
from noria.errors import UserError
from noria.release import record as records
from noria.run.place import Place
from noria.run.reports import write
from noria.store import datasets, erasures, registry, runs


def show(name: Name, json: AsJson = False) -> None:
    """One version: what it was made of, what it scored, why it was released."""
    place = output.existing_place()
    found = find(place, name)
    with place.store.read() as c:
        release = registry.get_release(c, found.release_id)
        bundle = runs.get(c, found.run_id).plan.bundle
        processed = records.processed(c, found)
        data = datasets.get_version(c, found.dataset, found.dataset_version) if found.dataset else None
        learned = erasures.flagged(c).get((found.model, found.number), [])
    ids = data.batches if data else []
    by = next((one for one in processed_data(place, data) if one.outputs == processed), None) if data else None
    if json:
        output.show_json(
            {
                "version": found,
                "release": release,
                "bundle": bundle,
                "batches": ids,
                "processed": processed,
                "by": by,
                "learned_from_erased": learned,
            }
        )
        return
    rows = [*_made_of(found, bundle, ids, processed, by), *_judged(release)]
    rows += [("erasure", learned_from_erased([one])) for one in learned]
    output.show_table(f"{found.model}@{found.number}", ["", ""], rows)
    if found.dataset:
        here, rows_of = f"{found.model}@{found.number}", f"{found.dataset}@{found.dataset_version}"
        output.say(
            f"More: noria model record {here} --html FILE, noria trace model {here}, noria trace data {rows_of} --down"
        )


def learned_from_erased(erased: Sequence[erasures.Erasure]) -> str:
    """What is said of a model that had learned from rows which were erased since."""
    policy = (
        f"accepted by {erased[-1].actor}: {erased[-1].reason}" if erased[-1].models == "accept" else "to be retrained"
    )
    return f"learned from rows that were erased ({', '.join(one.id for one in erased)}), {policy}"


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
    found: registry.ModelVersion, bundle: str, ids: Any, processed: dict[str, str], by: Made | None
) -> Iterator[tuple[str, Any]]:
    yield "package", f"{found.format}, {found.package[:12]}"
    yield "data", f"{found.dataset}@{found.dataset_version}" if found.dataset else None
    yield "batches", ", ".join(ids) or None
    features = {name: digest[:12] for name, digest in processed.items() if name.startswith("X.")}
    yield "processed data", features or None
    if by is not None:
        yield "processed by", ", ".join(by.code) or f"what is declared, in run {by.run}"
        yield (
            "their state",
            f"invalid since {'; '.join(by.stale)}" if by.stale else "valid: today's code makes the same",
        )
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
