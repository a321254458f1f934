"""What is new: pure decisions about arrivals."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Arrival:
    """Something a source offers: its name, the digest of its content, its size in bytes."""

    origin: str
    name: str
    digest: str
    bytes: int


def new(offered: Sequence[Arrival], known: Collection[str]) -> list[Arrival]:
    """What was never collected, by content: the same content twice is one arrival, the first."""
    seen = set(known)
    found = []
    for arrival in offered:
        if arrival.digest not in seen:
            seen.add(arrival.digest)
            found.append(arrival)
    return found
