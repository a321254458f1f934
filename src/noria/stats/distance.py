"""Between two distributions of the same things."""

import math
from collections.abc import Mapping

Shares = Mapping[str, float]


def jensen_shannon(a: Shares, b: Shares) -> float:
    """Jensen-Shannon distance with logarithms to base 2: 0 for equal distributions, 1 for disjoint ones (Lin 1991)."""
    total = 0.0
    for key in a.keys() | b.keys():
        p, q = a.get(key, 0.0), b.get(key, 0.0)
        m = (p + q) / 2
        total += (p * math.log2(p / m) if p else 0.0) + (q * math.log2(q / m) if q else 0.0)
    return math.sqrt(max(0.0, total / 2))


def largest_change(a: Shares, b: Shares) -> tuple[str, float]:
    """The thing whose share differs most, and by how much (L-infinity); ("", 0) if there are none."""
    keys = sorted(a.keys() | b.keys())
    if not keys:
        return ("", 0.0)
    worst = max(keys, key=lambda key: abs(b.get(key, 0.0) - a.get(key, 0.0)))
    return (worst, b.get(worst, 0.0) - a.get(worst, 0.0))


def shares(counts: Mapping[str, int]) -> dict[str, float]:
    """Counts as shares of their sum."""
    total = sum(counts.values())
    return {key: count / total for key, count in counts.items()} if total else {}
