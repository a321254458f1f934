"""Answers that were served and whose label has come since, as rows to learn from."""

from typing import Any

from noria.collect.arrive import Arrival
from noria.collect.config import Captured
from noria.collect.offer import Offer, Taken
from noria.data import captured, table
from noria.digest import Digest
from noria.store import datasets


def offers(world: Any, source: Captured) -> list[Offer]:
    """What was collected before, and what has been labelled since then."""
    with world.store.read() as c:
        earlier = [b for b in datasets.batches(c, world.lifecycle) if b.origin == "captured"]
    found = [Offer(Arrival("captured", b.source["name"], b.digest, b.bytes), None) for b in earlier]
    after = _reached(earlier[-1].source["name"]) if earlier else (-1, -1)
    upto = captured.versions(world.settings, world.lifecycle)
    if min(upto) >= 0 and upto != after:
        frame = captured.labelled(world.settings, world.lifecycle, world.schema, after=after, upto=upto)
        if frame.height:
            name = f"feedback up to {upto[0]}.{upto[1]}"
            digest = Digest.of_json([world.lifecycle, name, table.rows_digest(frame)]).hex
            arrival = Arrival("captured", name, digest, int(frame.estimated_size()))
            found.append(Offer(arrival, lambda attempt: Taken(frame, digest)))
    return found


def _reached(name: str) -> captured.Versions:
    """The commits that a captured batch went up to, from its name."""
    predictions, _, feedback = name.rpartition(" ")[2].partition(".")
    return int(predictions), int(feedback)
