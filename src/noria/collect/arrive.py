"""What is new: pure decisions about arrivals."""

from collections.abc import Collection, Mapping, Sequence
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


def replaced(
    offered: Sequence[Arrival], names: Mapping[str, str], kept: Collection[str], after: Mapping[str, str]
) -> tuple[set[str], set[str]]:
    """Batches whose file was corrected before any version with them was accepted, and those that are there again.

    Parameters
    ----------
    names
        By the digest of each batch that came from a file, the name of that file.
    kept
        Digests of the batches that an accepted version holds: they stay.

    Returns
    -------
    (out, back)
        Digests of batches that are to be left out, and of those that are offered as they were.
    """
    now = _with_beginnings([arrival.digest for arrival in offered], after)
    corrected = {arrival.name for arrival in offered}
    out = {digest for digest, name in names.items() if digest not in now and name in corrected}
    return out - set(kept), now & names.keys()


def _with_beginnings(digests: Sequence[str], after: Mapping[str, str]) -> set[str]:
    found: set[str] = set()
    for digest in digests:
        one: str | None = digest
        while one is not None and one not in found:
            found.add(one)
            one = after.get(one)
    return found
