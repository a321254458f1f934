"""Weights and a key give a version: the same key keeps getting the same one, as far as the weights allow.

Weighted rendezvous hashing: for a key, each version draws a number of its own, from an exponential distribution whose
rate is the version's weight, and the smallest wins. A version wins with the probability of its share of the weights;
and since a change of one weight leaves all other draws as they were, it moves keys only to that version or away from
it, however many versions there are.

A small share of requests may be answered by a version that chance draws, each with the same probability, whoever asks
and whatever the weights: what is learned from these depends on no decision. The id of the prediction draws, so that it
can be told afterwards.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import blake2b
from math import log
from typing import Any

from noria.data.explore import EXPLORED

SPACE = 1 << 64


@dataclass(frozen=True, slots=True)
class Split:
    """Traffic divided among versions.

    versions
        Version numbers in ascending order.
    weights
        Their weights, all above zero.
    states
        For each version, a hash that has taken in the salt and the version, and waits for a key.
    explore
        The share of requests that chance gives to a version; 0 where there is only one to give.
    """

    versions: tuple[int, ...]
    weights: tuple[int, ...]
    states: tuple[Any, ...]
    explore: float = 0.0

    @classmethod
    def of(cls, weights: Mapping[str, int], salt: str, explore: float = 0.0) -> "Split":
        """From a route's weights.

        Raises
        ------
        ValueError
            If no weight is above zero.
        """
        kept = sorted((int(number), weight) for number, weight in weights.items() if weight > 0)
        if not kept:
            raise ValueError("no version has a weight above zero")
        states = (blake2b(salt.encode(), digest_size=8, salt=number.to_bytes(16, "big")) for number, _ in kept)
        share = explore if len(kept) > 1 else 0.0
        return cls(tuple(number for number, _ in kept), tuple(weight for _, weight in kept), tuple(states), share)

    def drawn(self, id: str) -> int | None:
        """The version that chance gives the request with this prediction's id; None: chance has no part in it."""
        hashed = blake2b(id.encode(), digest_size=16, key=EXPLORED.encode()).digest()
        if int.from_bytes(hashed[:8], "big") / SPACE >= self.explore:
            return None
        return self.versions[int.from_bytes(hashed[8:], "big") % len(self.versions)]

    def choose(self, key: str) -> int:
        """The version that a key gets."""
        if len(self.versions) == 1:
            return self.versions[0]
        data = key.encode()
        first, least = self.versions[0], float("inf")
        for number, weight, state in zip(self.versions, self.weights, self.states, strict=True):
            hashed = state.copy()
            hashed.update(data)
            drawn = -log((int.from_bytes(hashed.digest(), "big") + 0.5) / SPACE) / weight
            if drawn < least:
                first, least = number, drawn
        return first
