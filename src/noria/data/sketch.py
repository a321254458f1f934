"""Quantiles that merge: counts in logarithmic bins.

Method: DDSketch (Masson, Rim, Lee: "DDSketch: a fast and fully-mergeable quantile sketch with relative-error
guarantees", VLDB 2019). A quantile is off by at most ``ERROR`` of its own size.
"""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

ERROR = 0.01
GAMMA = (1 + ERROR) / (1 - ERROR)
TINY = 1e-12  # closer to zero counts as zero

Bins = Mapping[str, int]  # "+17": count; "-17" mirrors it, "0" holds zeros


def bins(values: NDArray[np.float64]) -> dict[str, int]:
    """Counts of finite values by bin."""
    found: dict[str, int] = {}
    zero = np.abs(values) < TINY
    if zero.any():
        found["0"] = int(zero.sum())
    for sign, part in (("+", values[values >= TINY]), ("-", -values[values <= -TINY])):
        index, counts = np.unique(np.ceil(np.log(part) / np.log(GAMMA)).astype(np.int64), return_counts=True)
        found.update({f"{sign}{i}": int(n) for i, n in zip(index, counts, strict=True)})
    return found


def merge(a: Bins, b: Bins) -> dict[str, int]:
    """Counts of both; associative and commutative."""
    return {key: a.get(key, 0) + b.get(key, 0) for key in sorted(a.keys() | b.keys())}


def value_of(key: str) -> float:
    """The value that stands for a bin, within ``ERROR`` of all in it."""
    if key == "0":
        return 0.0
    middle = float(2 * GAMMA ** int(key[1:]) / (GAMMA + 1))
    return middle if key[0] == "+" else -middle


def ordered(counts: Bins) -> list[tuple[float, int]]:
    """Bins as (value, count), by value."""
    return sorted((value_of(key), count) for key, count in counts.items())


def quantile(counts: Bins, q: float) -> float:
    """The q-quantile, 0 ≤ q ≤ 1, off by at most ``ERROR`` of its size; NaN if there are no values."""
    total = sum(counts.values())
    if total == 0:
        return float("nan")
    rank, seen = q * (total - 1), 0
    for value, count in ordered(counts):
        seen += count
        if seen > rank:
            return value
    raise AssertionError("the counts cover every rank")
