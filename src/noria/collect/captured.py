"""Answers that were served and whose label has come since, as rows to learn from: marked and weighed."""

from collections.abc import Sequence
from typing import Any

import polars as pl

from noria.collect import policy
from noria.collect.arrive import Arrival
from noria.collect.config import Captured
from noria.collect.offer import Offer, Taken
from noria.data import captured, table
from noria.digest import Digest
from noria.store import datasets


def offers(world: Any, source: Captured) -> list[Offer]:
    """What was collected before, and what has been labelled since then."""
    earlier = _earlier(world)
    found = [Offer(Arrival("captured", b.source["name"], b.digest, b.bytes), None) for b in earlier]
    upto = captured.versions(world.settings, world.lifecycle)
    rows = policy.kept(_labelled(world, earlier, upto), source)
    if rows.height:
        frame = _frame(world, rows, upto, source)
        name = f"feedback up to {upto[0]}.{upto[1]}"
        digest = Digest.of_json([world.lifecycle, name, table.rows_digest(frame)]).hex
        arrival = Arrival("captured", name, digest, int(frame.estimated_size()))
        note = {"answered": _answered(rows), "policy": source.policy}
        found.append(Offer(arrival, lambda attempt: Taken(frame, digest, note)))
    return found


def waiting(world: Any) -> int:
    """Predictions that have a label, may be learned from, and were not collected yet."""
    source = next((one for one in world.config if isinstance(one, Captured)), Captured())
    upto = captured.versions(world.settings, world.lifecycle)
    return policy.kept(_labelled(world, _earlier(world), upto), source).height


def _earlier(world: Any) -> list[datasets.Batch]:
    with world.store.read() as c:
        return [b for b in datasets.batches(c, world.lifecycle) if b.origin == "captured"]


def _labelled(world: Any, earlier: Sequence[datasets.Batch], upto: captured.Versions) -> pl.DataFrame:
    after = _reached(earlier[-1].source["name"]) if earlier else (-1, -1)
    if min(upto) < 0 or upto == after:
        upto = (-1, -1)
    return captured.labelled(world.settings, world.lifecycle, after=after, upto=upto)


def _frame(world: Any, rows: pl.DataFrame, upto: captured.Versions, source: Captured) -> pl.DataFrame:
    held = table.columns(f"{world.settings.data}/{world.lifecycle}")
    schema = world.schema
    known = {schema.label, schema.subject, schema.time, *schema.protected, *held} if held else None
    frame = captured.source_rows(rows, schema.label, known)
    answered = captured.answered(world.settings, world.lifecycle, upto)
    return policy.marked(frame, rows, answered, source)


def _answered(rows: pl.DataFrame) -> list[dict[str, Any]]:
    """Rows by the version and variant that answered."""
    counted = rows.group_by("version", "variant").agg(pl.len().alias("rows")).sort("version", "variant")
    return counted.to_dicts()


def _reached(name: str) -> captured.Versions:
    """The commits that a captured batch went up to, from its name."""
    predictions, _, feedback = name.rpartition(" ")[2].partition(".")
    return int(predictions), int(feedback)
