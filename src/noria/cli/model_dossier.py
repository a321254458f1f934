"""noria model dossier: what an auditor asks for, in one folder or one page."""

import json as jsons
from pathlib import Path
from typing import Annotated, Any

import typer

from noria.cli import output
from noria.cli.model_find import AsJson, Name, find
from noria.digest import Digest
from noria.errors import NotFound, UserError
from noria.governance import dossier as pages
from noria.release import card
from noria.release import record as records
from noria.run.dossier import gather
from noria.run.place import Place
from noria.store import registry, runs


def dossier(
    name: Name,
    to: Annotated[Path | None, typer.Option(help="The folder to write; by default dossier-MODEL-VERSION here.")] = None,
    file: Annotated[Path | None, typer.Option(help="One page instead of a folder.")] = None,
    json: AsJson = False,
) -> None:
    """All there is on record of a version, with a draft along Annex IV of the EU AI Act, honest about what is not."""
    if to is not None and file is not None:
        raise UserError("a folder or a page?", where="noria model dossier", do="Give --to or --file.")
    place = output.existing_place()
    version = find(place, name)
    found = gather(place, version)
    page = pages.html(found, list(card.sections(found["record"])))
    if file is not None:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(page)
        written = [file]
    else:
        folder = to or Path(f"dossier-{version.model}-{version.number}")
        written = _folder(place, version, folder, found, page)
    if json:
        output.show_json({"files": [str(one) for one in written], "annex_iv": found["annex_iv"]})
        return
    missing = sum(len(one["not_recorded"]) for one in found["annex_iv"])
    output.say(f"The dossier: {written[0]}")
    output.say(f"{missing} things that Annex IV asks for are on no record; they are marked in it.")


def _folder(
    place: Place, version: registry.ModelVersion, folder: Path, found: dict[str, Any], page: bytes
) -> list[Path]:
    """The page, all of it as data, the release record, the reports as they were, and the decisions as JSON lines."""
    folder.mkdir(parents=True, exist_ok=True)
    plain = jsons.dumps(output.plain(found), indent=2, ensure_ascii=False)
    lines = [jsons.dumps(output.plain(one), sort_keys=True) + "\n" for one in found["audit"]["entries"]]
    contents = {
        "dossier.html": page,
        "dossier.json": plain.encode(),
        "record.html": records.html(found["record"]),
        "decisions.jsonl": "".join(lines).encode(),
        **_reports(place, version),
    }
    for name, data in contents.items():
        (folder / name).write_bytes(data)
    return [folder / name for name in contents]


def _reports(place: Place, version: registry.ModelVersion) -> dict[str, bytes]:
    found = {}
    with place.store.read() as c:
        left = [(step.step, runs.result(c, step.id).outputs) for step in runs.steps(c, version.run_id)]
    for step, outputs in left:
        for name, one in outputs.items():
            if one.media == "text/html":
                try:
                    found[f"{step}-{name}"] = place.artifacts.get(Digest(one.digest.hex))
                except NotFound:  # erased: it named rows
                    continue
    return found
