"""Statistics of batches: made once for each, kept with it, merged from then on."""

import json
from collections.abc import Mapping, Sequence
from functools import reduce
from typing import Any

import polars as pl

from noria.data import multiset, table
from noria.data.profile import Profile, profile
from noria.data.schema import Schema
from noria.digest import Digest
from noria.errors import BadInput
from noria.store import datasets
from noria.store.attempt import Attempt

UNREADABLE = "its rows cannot be read"


def merged(attempt: Attempt, batches: Sequence[datasets.Batch]) -> Profile:
    """The profile of these batches' rows; those that have none yet get theirs, in the attempt's transaction.

    Raises
    ------
    BadInput
        If a batch cannot be read: it is left out of versions from then on.
    """
    found = []
    for index, batch in enumerate(batches):
        attempt.progress(f"profile {batch.source['name']}", index / len(batches))
        found.append(kept(attempt, batch.profile) or _made(attempt, batch))
    return reduce(Profile.merge, found)


def kept(attempt: Attempt, digest: str | None) -> Profile | None:
    """A profile that is an artifact, if it was made for labels and groups as they are declared now."""
    if digest is None:
        return None
    raw = json.loads(attempt.artifacts.get(Digest(digest)))
    return Profile.from_json(raw) if raw.get("counted") == counted(attempt.schema) else None


def to_json(found: Profile, schema: Schema) -> dict[str, Any]:
    """A profile as it is kept."""
    return {**found.to_json(), "counted": counted(schema)}


def counted(schema: Schema) -> Mapping[str, Any]:
    """What decides which labels and groups a profile counts."""
    return {"label": schema.label, "task": schema.task, "protected": sorted(schema.protected)}


def _made(attempt: Attempt, batch: datasets.Batch) -> Profile:
    rows = table.own(f"{attempt.settings.data}/{batch.dataset}", batch.id)
    try:
        found = profile(rows, attempt.schema)
        if batch.rows_digest is None:
            _record(attempt, batch, multiset.digest(rows))
    except pl.exceptions.PolarsError as error:
        raise _left_out(attempt, batch, error) from error
    digest = attempt.save_json(f"profile.{batch.id}.json", to_json(found, attempt.schema)).hex
    attempt.commit_with(lambda c: datasets.set_profile(c, batch.dataset, batch.id, digest))
    return found


def _record(attempt: Attempt, batch: datasets.Batch, digest: str) -> None:
    """Put on record what the rows are: from then on it shows whether they read back as they were."""
    attempt.commit_with(lambda c: datasets.set_rows_digest(c, batch.dataset, batch.id, digest))


def _left_out(attempt: Attempt, batch: datasets.Batch, error: Exception) -> BadInput:
    """Now, not with the attempt, which fails: the next run goes on without the batch."""
    with attempt.store.begin() as c:
        datasets.set_state(c, batch.dataset, batch.id, "quarantined", UNREADABLE)
    name = batch.source["name"]
    return BadInput(
        f"{name} is damaged: {str(error).splitlines()[0][:160]}",
        where=f"batch {batch.id}",
        do="Deliver it again in good order; the next run leaves this one out.",
    )
