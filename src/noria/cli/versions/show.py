"""noria data show: one version, what it holds, what was made of it, and how any engine reads it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from noria.cli import output
from noria.cli.versions.names import AsJson, Name, called, find, held, path
from noria.data.version import condition
from noria.run.fingerprint import changes
from noria.run.place import Place
from noria.store import datasets, erasures, made


@dataclass(frozen=True, slots=True)
class Made:
    """Processed data of a version, by the run that made them.

    state
        ``valid``, or ``invalid``: the transformer, its settings or a file that it reads changed since.
    stale
        What changed.
    """

    state: str
    run: str
    code: Sequence[str]
    bundle: str
    outputs: dict[str, str]
    stale: Sequence[str]


def show(name: Name, json: AsJson = False) -> None:
    """One version: its batches, what was made of it, and how any engine reads it."""
    place = output.existing_place()
    version = find(place, name)
    batches = held(place, version)
    with place.store.read() as c:
        count = made.anomalies(c, version.dataset, version.number)
        models = [f"{one.model}@{one.number}" for one in made.models(c, version.dataset, version.number)]
        amended = erasures.amendments(c, version.dataset).get(version.number, [])
        tags = [word for word, number in datasets.tags(c, version.dataset).items() if number == version.number]
    processed = processed_data(place, version)
    where, delta = condition(version.batches), path(place, version.dataset)
    if json:
        output.show_json(
            {"version": version, "tags": tags, "anomalies": count, "batches": batches, "processed": processed,
             "models": models, "delta": delta, "where": where, "amended": amended}
        )  # fmt: skip
        return
    output.show_table(
        " ".join([called(version), *tags]),
        ["batch", "from", "source", "rows", "state", "reason", "arrived"],
        [(b.id, b.origin, b.source["name"], b.rows, b.state, b.reason, b.arrived_at) for b in batches],
    )
    output.say(_judged(version, count))
    for one in amended:
        output.say(
            f"Amended at {output.cell(one.at)} by erasure {one.erasure}: {one.rows_before:,} rows → {one.rows_after:,}."
        )
    for sentence in _made_of_it(processed, models):
        output.say(sentence)
    output.say(f"Any engine reads it: Delta table {delta}\n  WHERE {where}")


def processed_data(place: Place, version: datasets.Version) -> list[Made]:
    """What was made of a version, with the code that made it, and whether that is still what is asked for."""
    with place.store.read() as c:
        found = made.processed(c, version.dataset, version.number)
        now = made.newest(c, version.dataset)
    return [_told(one, now) for one in found]


def _told(one: made.Processed, now: made.Processed | None) -> Made:
    stale = changes({**one.code, **one.settings}, {**now.code, **now.settings}) if now else []
    code = [name.removeprefix("code ") for name in one.code]
    return Made("invalid" if stale else "valid", one.run_id, code, one.bundle, dict(one.outputs), stale)


def _judged(version: datasets.Version, anomalies: int | None) -> str:
    if version.verdict is None:
        return "Verdict: not validated yet."
    said: list[Any] = [f"Verdict {version.verdict}", f"remedy {version.remedy or 'none'}"]
    said += [f"{anomalies} anomalies"] if anomalies is not None else []
    said += [f"because: {version.reason}"] if version.reason else []
    return ", ".join(said) + "."


def _made_of_it(processed: Sequence[Made], models: Sequence[str]) -> list[str]:
    said = []
    for one in processed:
        state = f"invalid since {'; '.join(one.stale)}" if one.stale else "valid"
        said.append(f"Processed in run {one.run} by code bundle {one.bundle[:12]}: {state}.")
        said += [f"  reached {', '.join(one.code)}"] if one.code else []
    if models:
        said.append(f"Learned from by {', '.join(models)}.")
    return said
