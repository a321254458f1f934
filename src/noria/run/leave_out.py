"""The remedy ``quarantine``: new batches that validation stopped at are left out, and the run goes on with the rest."""

from collections.abc import Mapping
from typing import Any

from noria.errors import UserError
from noria.run.execute import Done
from noria.run.place import Place
from noria.store import datasets, runs, verdicts

AGAIN = ("collect", "validate")  # what has to be done again without the batches


def leave_out(place: Place, run: runs.Run, done: Done) -> list[str]:
    """Leave out what validation blames for its block, in one transaction, on record with who asked and why.

    Returns
    -------
    A sentence for each batch and one for what is left; none if this is not a block to be remedied so.
    """
    facts = done.step.facts or {}
    if run.remedy != verdicts.QUARANTINE or done.step.step != "validate" or not facts.get("blamed"):
        return []
    with place.store.begin() as c:
        person = verdicts.who_asked(c, run.id, place.settings.actor)
        held = {one.id: one for one in datasets.batches(c, run.lifecycle)}
        try:
            version = verdicts.leave_out(c, place.clock, run.lifecycle, facts["blamed"], person)
        except UserError as error:
            return [f"Nothing is left out: {error}"]
        for word in AGAIN:
            runs.reset(c, runs.step(c, run.id, word).id)
    why = "; ".join(f"{one.where}: {one.what}" for one in done.alerts if one.severity == "block")
    said = [f"{_called(held[id])} is left out: {why}." for id in facts["blamed"]]
    return [*said, _left(version, facts)]


def _called(batch: datasets.Batch) -> str:
    return f"Batch {batch.id} ({batch.source['name']}, {batch.rows:,} rows)"


def _left(version: datasets.Version, facts: Mapping[str, Any]) -> str:
    name = f"{version.dataset}@{version.number}"
    if version.verdict is None:
        return f"The run goes on with {name}: {version.rows:,} rows."
    return f"Nothing new is left: the run goes on with {name}, as before."
