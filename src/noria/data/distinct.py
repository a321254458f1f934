"""How many different values there are, and how often they come back: a sample of values that merges exactly.

Method: the values with the smallest hashes are kept, with the rows of each. Their number is told by how densely the
hashes lie (Bar-Yossef et al.: "Counting distinct elements in a data stream", RANDOM 2002), and because whether a value
is kept depends on the value alone, its rows are counted in full (Gibbons: "Distinct sampling for highly-accurate
answers", VLDB 2001). The hash is our own: it must be the same in every version of every library.
"""

import math
from collections.abc import Mapping
from functools import cache
from hashlib import blake2b

import numpy as np
import polars as pl
from numpy.typing import NDArray

KEPT = 1000  # of the values; up to so many are counted exactly
ERROR = 1 / math.sqrt(KEPT - 2)  # standard error of the estimate above, as a share of it
SPAN = float(1 << 64)
SHORT = 256  # bytes of a text; longer ones are hashed one by one
AT_ONCE = 1 << 20  # bytes
BASE = 0x9E3779B97F4A7C15  # odd, so that it has an inverse

Hashes = NDArray[np.uint64]
Sample = Mapping[int, int]  # hash: rows, of the values with the smallest hashes


def of_numbers(values: NDArray[np.float64]) -> Hashes:
    """Hash of each number."""
    return _mixed((values + 0.0).view(np.uint64))  # −0.0 + 0.0 is 0.0


def to_numbers(hashes: Hashes) -> NDArray[np.float64]:
    """The numbers that have these hashes: no two have the same."""
    bits = hashes
    for shift, factor in ((31, 0x94D049BB133111EB), (27, 0xBF58476D1CE4E5B9), (30, 1)):
        bits = bits ^ (bits >> np.uint64(shift)) ^ (bits >> np.uint64(2 * shift))
        bits = bits * np.uint64(pow(factor, -1, 1 << 64))
    return bits.view(np.float64)


def of_texts(values: pl.Series) -> Hashes:
    """Hash of each text."""
    sizes = values.str.len_bytes().to_numpy().astype(np.int64)
    found = np.empty(len(values), dtype=np.uint64)
    short = sizes <= SHORT
    found[~short] = [_of_long(text) for text in values.filter(pl.Series(~short))]
    texts, sizes = (values if short.all() else values.filter(pl.Series(short))), sizes[short]
    ends = np.cumsum(sizes)
    parts, begin = [], 0
    while begin < len(texts):
        before = int(ends[begin - 1]) if begin else 0
        end = max(begin + 1, int(np.searchsorted(ends, before + AT_ONCE, "right")))
        parts.append(_of_short(texts[begin:end], sizes[begin:end]))
        begin = end
    found[short] = np.concatenate(parts) if parts else []
    return found


def _of_short(texts: pl.Series, sizes: NDArray[np.int64]) -> Hashes:
    """A polynomial of each text's bytes: differences of one running sum over all of them."""
    content = np.frombuffer(texts.str.join("").item().encode(), dtype=np.uint8).astype(np.uint64) + np.uint64(1)
    sums = np.zeros(len(content) + 1, dtype=np.uint64)
    np.cumsum(content * _powers(BASE)[: len(content)], out=sums[1:])
    ends = np.cumsum(sizes)
    begins = ends - sizes
    shifted = (sums[ends] - sums[begins]) * _powers(pow(BASE, -1, 1 << 64))[begins]
    return _mixed(shifted + sizes.astype(np.uint64) * np.uint64(BASE))


def _of_long(text: str) -> int:
    return int.from_bytes(blake2b(text.encode(), digest_size=8).digest(), "big")


@cache
def _powers(base: int) -> Hashes:
    found = np.full(AT_ONCE + SHORT + 1, base, dtype=np.uint64)
    found[0] = 1
    return np.cumprod(found, dtype=np.uint64)


def _mixed(bits: Hashes) -> Hashes:
    """Every bit of the result depends on every bit given (finalizer of SplitMix64)."""
    bits = (bits ^ (bits >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    bits = (bits ^ (bits >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return bits ^ (bits >> np.uint64(31))


def merge(a: Sample, b: Sample) -> dict[int, int]:
    """The sample of the rows of both; associative and commutative."""
    smallest = sorted(a.keys() | b.keys())[:KEPT]
    return {key: a.get(key, 0) + b.get(key, 0) for key in smallest}


def estimate(sample: Sample) -> float:
    """How many different values there are: exact below ``KEPT``, else with the standard error ``ERROR``."""
    if len(sample) < KEPT:
        return float(len(sample))
    return (KEPT - 1) * SPAN / max(1, max(sample))


def repeated(sample: Sample) -> float:
    """Share of the different values that more than one row has; 0 if there are none."""
    return sum(rows > 1 for rows in sample.values()) / len(sample) if sample else 0.0


def common(a: Sample, b: Sample) -> float:
    """Share of the values of ``b`` that ``a`` has too, as far as both samples reach; 0 if there are none."""
    reach = min((max(side) for side in (a, b) if len(side) == KEPT), default=1 << 64)
    reached = [key for key in b if key <= reach]
    return sum(key in a for key in reached) / len(reached) if reached else 0.0
