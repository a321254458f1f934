"""Quantiles that merge: counts in bins that are narrow in proportion to what is in them.

Method: DDSketch (Masson, Rim, Lee: "DDSketch: a fast and fully-mergeable quantile sketch with relative-error
guarantees", VLDB 2019) with its bitwise mapping: a bin is a sign, an exponent and the first six bits of the fraction of
an IEEE 754 number, so that finding it is one shift, the same on every machine. A quantile is off by at most ``ERROR``
of its own size.
"""

from collections.abc import Iterable, Mapping
from functools import cache

import numpy as np
from numpy.typing import NDArray

from noria.data.distinct import runs

FRACTION = 6  # bits of it that count
SHIFT = 52 - FRACTION
STEPS = 1 << FRACTION
ERROR = 1 / (2 * STEPS)
MIRROR = -(1 << (63 - SHIFT))  # what the sign bit, shifted like the rest, is

Floats = NDArray[np.float64]
Bins = Mapping[int, int]  # the bin, in the order of the values; 0 holds zero; −n mirrors n. Rows in it.


def keys(values: Floats) -> NDArray[np.int64]:
    """The bin of each finite value."""
    size = (np.abs(values).view(np.uint64) >> np.uint64(SHIFT)).astype(np.int64)
    return np.where(values < 0, -size, size)


def bins(values: Floats, weights: NDArray[np.int64] | None = None) -> dict[int, int]:
    """Counts of finite values by bin; ``weights``: how many rows each value stands for."""
    if weights is None:
        found, counts = runs(np.sort((values.view(np.int64) >> SHIFT).astype(np.int32)))
        index = np.where(found < 0, MIRROR - found, found)  # −0.0 and 0.0 are found apart
    else:
        index, place = np.unique(keys(values), return_inverse=True)
        counts = np.bincount(place, weights, minlength=len(index)).astype(np.int64)
    merged: dict[int, int] = {}
    add(merged, index.tolist(), counts.tolist())
    return dict(sorted(merged.items()))


def add(counts: dict[int, int], index: Iterable[int], more: Iterable[int]) -> None:
    """Count more rows in bins."""
    for key, rows in zip(index, more):
        counts[key] = counts.get(key, 0) + rows


def merge(a: Bins, b: Bins) -> dict[int, int]:
    """Counts of both; associative and commutative."""
    return {key: a.get(key, 0) + b.get(key, 0) for key in sorted(a.keys() | b.keys())}


@cache
def value_of(key: int) -> float:
    """The value that stands for a bin, within ``ERROR`` of all in it."""
    edges = np.array([abs(key) << SHIFT, (abs(key) + 1) << SHIFT], dtype=np.uint64).view(np.float64)
    middle = float(edges[0] + (edges[1] - edges[0]) / 2) if key and np.isfinite(edges[1]) else float(edges[0])
    return -middle if key < 0 else middle


def ordered(counts: Bins) -> list[tuple[float, int]]:
    """Bins as (value, count), by value."""
    return [(value_of(key), counts[key]) for key in sorted(counts)]


def quantile(counts: Bins, q: float) -> float:
    """The q-quantile, 0 ≤ q ≤ 1, off by at most ``ERROR`` of its size; NaN if there are no values."""
    total = sum(counts.values())
    if total == 0:
        return float("nan")
    rank, seen = q * (total - 1), 0
    for key in sorted(counts):
        seen += counts[key]
        if seen > rank:
            return value_of(key)
    raise AssertionError("the counts cover every rank")
