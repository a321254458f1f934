"""Weights and a key give a version: the same key keeps getting the same one, as far as the weights allow."""

from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import blake2b
from itertools import accumulate

SPACE = 1 << 64


@dataclass(frozen=True, slots=True)
class Split:
    """Traffic divided among versions.

    versions
        Version numbers in ascending order.
    bounds
        Upper end of each version's part of the space of hashes.
    salt
        Decides, with the key, where in the space a key lies.
    """

    versions: tuple[int, ...]
    bounds: tuple[int, ...]
    salt: bytes

    @classmethod
    def of(cls, weights: Mapping[str, int], salt: str) -> "Split":
        """From a route's weights; versions lie in ascending order, so that raising a challenger's weight moves subjects
        to it and none away from it.

        Raises
        ------
        ValueError
            If no weight is above zero.
        """
        kept = sorted((int(number), weight) for number, weight in weights.items() if weight > 0)
        total = sum(weight for _, weight in kept)
        if not total:
            raise ValueError("no version has a weight above zero")
        ends = [SPACE * part // total for part in accumulate(weight for _, weight in kept)]
        return cls(tuple(number for number, _ in kept), tuple(ends), salt.encode())

    def choose(self, key: str) -> int:
        """The version that a key gets."""
        if len(self.versions) == 1:
            return self.versions[0]
        place = int.from_bytes(blake2b(key.encode(), digest_size=8, key=self.salt).digest(), "big")
        return self.versions[bisect_right(self.bounds, place)]
