"""How many different values there are, and how often they come back: a sample of values that merges exactly.

Method: the values with the smallest hashes are kept, with the rows of each. Their number is told by how densely the
hashes lie (Bar-Yossef et al.: "Counting distinct elements in a data stream", RANDOM 2002), and because whether a value
is kept depends on the value alone, its rows are counted in full (Gibbons: "Distinct sampling for highly-accurate
answers", VLDB 2001). The hash is our own: it must be the same in every version of every library.
"""

import math
from collections.abc import Iterator, Mapping
from functools import cache
from hashlib import blake2b
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

KEPT = 1000  # of the values; up to so many are counted exactly
ERROR = 1 / math.sqrt(KEPT - 2)  # standard error of the estimate above, as a share of it
SPAN = float(1 << 64)
SHORT = 256  # bytes of a text; longer ones are hashed one by one
AT_ONCE = 1 << 16  # bytes of texts
BLOCK = 1 << 14  # hashes worked on together: they and what comes of them stay in the processor's cache
EXACT = float(1 << 53)  # below, every integer is a float
BASE = 0x9E3779B97F4A7C15  # odd, so that it has an inverse

Hashes = NDArray[np.uint64]
Sample = Mapping[int, int]  # hash: rows, of the values with the smallest hashes


def of_numbers(values: NDArray[np.float64]) -> Hashes:
    """Hash of each number: no two have the same."""
    return _mix((values + 0.0).view(np.uint64))  # −0.0 + 0.0 is 0.0


def of_wholes(values: NDArray[Any]) -> Hashes:
    """Hash of each integer: that of the same number as a float where there is one, and its own where there is not."""
    nearest = values.astype(np.float64)
    if not values.size or max(-nearest.min(), nearest.max()) < EXACT:
        return of_numbers(nearest)
    with np.errstate(invalid="ignore"):
        there = (nearest < float(np.iinfo(values.dtype).max)) & (nearest.astype(values.dtype) == values)
    return _mix(np.where(there, nearest.view(np.uint64), _mix(values.astype(np.uint64))))


def of_texts(values: pl.Series) -> Hashes:
    """Hash of each text."""
    sizes = values.str.len_bytes().to_numpy().astype(np.int64)
    short = sizes <= SHORT
    if short.all():
        return _joined([_of_short(part, of) for part, of in parts(values, sizes)])
    found = np.empty(len(values), dtype=np.uint64)
    found[short] = of_texts(values.filter(pl.Series(short)))
    found[~short] = [_of_long(text) for text in values.filter(pl.Series(~short))]
    return found


def parts(texts: pl.Series, sizes: NDArray[np.int64]) -> Iterator[tuple[pl.Series, NDArray[np.int64]]]:
    """Texts with their sizes in bytes, some at a time, so that what is made of their bytes is small."""
    ends = np.cumsum(sizes)
    begin = 0
    while begin < len(texts):
        before = int(ends[begin - 1]) if begin else 0
        end = max(begin + 1, int(np.searchsorted(ends, before + AT_ONCE, "right")))
        yield texts[begin:end], sizes[begin:end]
        begin = end


def _joined(found: list[Hashes]) -> Hashes:
    return np.concatenate(found) if found else np.empty(0, dtype=np.uint64)


def _of_short(texts: pl.Series, sizes: NDArray[np.int64]) -> Hashes:
    """A polynomial of each text's bytes: differences of one running sum over all of them."""
    content = np.frombuffer(texts.str.join("").item().encode(), dtype=np.uint8).astype(np.uint64) + np.uint64(1)
    sums = np.zeros(len(content) + 1, dtype=np.uint64)
    np.cumsum(content * _powers(BASE)[: len(content)], out=sums[1:])
    ends = np.cumsum(sizes)
    begins = ends - sizes
    shifted = (sums[ends] - sums[begins]) * _powers(pow(BASE, -1, 1 << 64))[begins]
    return _mix(shifted + sizes.astype(np.uint64) * np.uint64(BASE))


def _of_long(text: str) -> int:
    return int.from_bytes(blake2b(text.encode(), digest_size=8).digest(), "big")


@cache
def _powers(base: int) -> Hashes:
    found = np.full(AT_ONCE + SHORT + 1, base, dtype=np.uint64)
    found[0] = 1
    return np.cumprod(found, dtype=np.uint64)


def _mix(bits: Hashes) -> Hashes:
    """Every bit of the result, in the same place, depends on every bit given (finalizer of SplitMix64)."""
    room = np.empty(min(BLOCK, len(bits)), dtype=np.uint64)
    for begin in range(0, len(bits), BLOCK):
        part = bits[begin : begin + BLOCK]
        shifted = room[: len(part)]
        for shift, factor in ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB), (31, None)):
            np.bitwise_xor(part, np.right_shift(part, np.uint64(shift), out=shifted), out=part)
            if factor is not None:
                np.multiply(part, np.uint64(factor), out=part)
    return bits


class Smallest:
    """The smallest hashes of all values, with the rows of each; ``over``: there are more values than these."""

    def __init__(self) -> None:
        self.hashes = np.empty(0, dtype=np.uint64)
        self.rows = np.empty(0, dtype=np.int64)
        self.over = False

    def add(self, hashes: Hashes) -> None:
        """One hash a row."""
        self.add_counted(*runs(np.sort(hashes[self._near(hashes)])))

    def add_counted(self, hashes: Hashes, rows: NDArray[np.int64]) -> None:
        """Different hashes with their rows."""
        near = self._near(hashes)
        hashes, rows = hashes[near], rows[near]
        if not len(hashes):
            return
        if len(hashes) > KEPT:
            self.over = True
            near = hashes <= np.partition(hashes, KEPT - 1)[KEPT - 1]
            hashes, rows = hashes[near], rows[near]
        found, place = np.unique(np.concatenate([self.hashes, hashes]), return_inverse=True)
        counts = np.bincount(place, np.concatenate([self.rows, rows])).astype(np.int64)
        self.over = self.over or len(found) > KEPT
        self.hashes, self.rows = found[:KEPT], counts[:KEPT]

    def _near(self, hashes: Hashes) -> Any:
        return hashes <= self.hashes[-1] if self.over else slice(None)

    def sample(self) -> dict[int, int]:
        """What a column keeps of it: nothing if all values are known."""
        return dict(zip(self.hashes.tolist(), self.rows.tolist())) if self.over else {}


def runs(ordered: NDArray[Any]) -> tuple[NDArray[Any], NDArray[np.int64]]:
    """The different ones of sorted values, and how many there are of each."""
    begins = np.flatnonzero(np.concatenate([[len(ordered) > 0], ordered[1:] != ordered[:-1]]))
    return ordered[begins], np.diff(begins, append=len(ordered))


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
