"""Between two distributions of the same things."""

import math
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

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


def stability(a: Shares, b: Shares, floor: float = 1e-4) -> float:
    """Population stability index: 0 for equal distributions; by custom 0.1 is little and 0.25 a lot (Siddiqi 2006).

    Shares below ``floor`` count as that, because the index of a share that vanished would be infinite.
    """
    total = 0.0
    for key in a.keys() | b.keys():
        p, q = max(a.get(key, 0.0), floor), max(b.get(key, 0.0), floor)
        total += (q - p) * math.log(q / p)
    return total


Points = Sequence[tuple[float, int]]  # values in ascending order, with their counts


def wasserstein(a: Points, b: Points) -> float:
    """How far the mass of ``a`` must be moved to become ``b``, in the unit of the values (Wasserstein-1); NaN if empty.

    On the bins of a sketch it is off by at most the sketch's relative error of the values' mean size.
    """
    if not a or not b:
        return math.nan
    places = np.unique([value for value, _ in (*a, *b)])
    first, second = (_cumulative(side, places) for side in (a, b))
    return float(np.sum(np.abs(first - second)[:-1] * np.diff(places)))


def _cumulative(side: Points, places: NDArray[np.float64]) -> NDArray[np.float64]:
    values, counts = np.array([value for value, _ in side]), np.array([count for _, count in side], dtype=np.float64)
    upto = np.concatenate([[0.0], np.cumsum(counts) / counts.sum()])
    found: NDArray[np.float64] = upto[np.searchsorted(values, places, "right")]
    return found
