"""The name of some rows whatever their order: a sum of the rows' hashes, so names of parts add up to that of the whole.

Kept with every batch, it shows that rows read back are those that were written, by whatever engine. It guards against
accidents and careless changes, not against somebody who builds other rows with the same sum.

Each value is hashed with its column's name and kind, each row from its values; the digest is the number of rows and
the sum of their hashes modulo 2¹²⁸. Nothing but whole numbers of 64 bits and BLAKE2b goes into it, so it is the same on
every machine and under every version of the libraries. A missing value counts for nothing: a column that arrives later,
and is missing in the rows from before, changes none of their names.
"""

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from hashlib import blake2b

import numpy as np
import polars as pl
from numpy.typing import NDArray

from noria.data.table import RESERVED

FORMAT = "1"
PIECE = 1 << 17  # rows in memory at a time
BLOCK = 1 << 13  # rows whose hashes stay in the processor's cache
HANDS = 2
WORD, WORDS = 8, 4  # bytes, words of a text; of a longer one its BLAKE2b counts
ALL = np.array([(1 << 8 * n) - 1 for n in range(WORD + 1)], np.uint64)  # masks for a word's first bytes
ODD = np.array([0x9E3779B97F4A7C15, 0xC2B2AE3D27D4EB4F, 0xFF51AFD7ED558CCD, 0xC4CEB9FE1A85EC53], np.uint64)
FIRST, SECOND = np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB)

Words = NDArray[np.uint64]
Hashes = Callable[[slice], Words]  # of some rows' values in one column


def digest(rows: pl.DataFrame | pl.LazyFrame) -> str:
    """The name of rows: neither their order nor that of the columns counts, nor do noria's own columns.

    Of a lazy frame some rows at a time are in memory.

    Examples
    --------
    >>> one, two = pl.DataFrame({"a": [1, 2], "b": ["x", None]}), pl.DataFrame({"b": [None, "x"], "a": [2, 1]})
    >>> digest(one) == digest(two)
    True
    >>> combined([digest(one[:1]), digest(one[1:])]) == digest(one)
    True
    """
    count = total = 0
    with ThreadPoolExecutor(HANDS) as hands:
        for piece in _pieces(rows):
            count += piece.height
            total += sum(hands.map(_sum, _shared(piece)))
    return _written(count, total)


def combined(digests: Iterable[str]) -> str:
    """The name of all rows together, from the names of the parts."""
    parts = [one.split(":") for one in digests]
    return _written(sum(int(count) for _, count, _ in parts), sum(int(total, 16) for *_, total in parts))


def without(whole: str, part: str) -> str:
    """The name of what is left of rows when some are taken out, from the names of both."""
    (_, count, total), (_, gone, less) = whole.split(":"), part.split(":")
    return _written(int(count) - int(gone), int(total, 16) - int(less, 16))


def rows_of(digest: str) -> int:
    """How many rows it is the name of."""
    return int(digest.split(":")[1])


def _written(count: int, total: int) -> str:
    return f"{FORMAT}:{count}:{total % (1 << 128):032x}"


def _pieces(rows: pl.DataFrame | pl.LazyFrame) -> Iterator[pl.DataFrame]:
    return iter(rows.iter_slices(PIECE) if isinstance(rows, pl.DataFrame) else rows.collect_batches(chunk_size=PIECE))


def _shared(piece: pl.DataFrame) -> Iterator[pl.DataFrame]:
    return piece.iter_slices(-(-piece.height // HANDS) or 1)


def _sum(piece: pl.DataFrame) -> int:
    columns = [_column(piece[name].rechunk()) for name in piece.columns if name not in RESERVED]
    total = 0
    for start in range(0, piece.height, BLOCK):
        rows = slice(start, min(start + BLOCK, piece.height))
        one, two = np.full(rows.stop - start, FIRST), np.full(rows.stop - start, SECOND)
        for hashes, factor in columns:
            value = hashes(rows)
            one += value
            value *= factor
            two += value
        two = _mixed(two ^ _mixed(one.copy()))  # the row counts as a whole: values cannot change places between rows
        total += (_added(two) << 64) + _added(_mixed(two + one))
    return total


def _added(words: Words) -> int:
    """The sum, which is more than a word."""
    return (int((words >> np.uint64(32)).sum()) << 32) + int((words & np.uint64(0xFFFFFFFF)).sum())


def _mixed(value: Words) -> Words:
    """Each word, in place, by the finaliser of SplitMix64 (Steele, Lea and Flood 2014): 0 stays 0."""
    spare = np.empty_like(value)
    for shift, factor in ((30, FIRST), (27, SECOND)):
        value ^= np.right_shift(value, np.uint64(shift), out=spare)
        value *= factor
    value ^= np.right_shift(value, np.uint64(31), out=spare)
    return value


def _column(values: pl.Series) -> tuple[Hashes, np.uint64]:
    """What gives the hashes of a column's values, 0 for a missing one, and the column's factor in the second lane."""
    kind, words = _plain(values)
    seeds = np.frombuffer(blake2b(f"{values.name}\0{kind}".encode(), digest_size=16).digest(), "<u8").astype(np.uint64)
    there = values.is_not_null().to_numpy() if values.null_count() else None

    def hashes(rows: slice) -> Words:
        found = _mixed(words[rows] ^ seeds[0])
        return found if there is None else found * there[rows]

    return hashes, seeds[1] | np.uint64(1)


def _plain(values: pl.Series) -> tuple[str, Words]:
    """The kind of a column, and one word for each value; equal numbers of any width have equal words."""
    kind = values.dtype
    if kind.is_integer():
        return "whole", _whole(values)
    if kind.is_float():
        numbers = values.cast(pl.Float64).fill_null(0.0).fill_nan(float("nan"))  # all that is no number, in one form
        return "number", numbers.to_numpy().view(np.uint64)
    if kind == pl.Boolean:
        return "truth", _whole(values)
    if kind == pl.Date:
        return "date", _whole(values.to_physical())
    if isinstance(kind, pl.Datetime):
        return "time", _whole(values.dt.cast_time_unit("us").to_physical())
    if kind.is_nested():
        values = values.to_frame().select(pl.struct(values.name).struct.json_encode()).to_series()
        return "nested", _texts(values)
    return "text", _texts(values.cast(pl.String))


def _whole(values: pl.Series) -> Words:
    return values.cast(pl.Int64).fill_null(0).to_numpy().view(np.uint64)


def _texts(values: pl.Series) -> Words:
    """One word for each text, made of its bytes."""
    starts, data = _bytes(values)
    lengths = np.diff(starts)
    starts = starts[:-1]
    found: Words = lengths.astype(np.uint64) * ODD[0]
    at_any_byte = np.ndarray(len(data) - WORD + 1, "<u8", data, strides=(1,))
    for index in range(min(WORDS, -(-int(lengths.max(initial=0)) // WORD))):
        left = np.clip(lengths - WORD * index, 0, WORD)
        words = at_any_byte[np.where(left, starts + WORD * index, 0)] & ALL[left]
        found += _mixed(words.astype(np.uint64) * ODD[index])
    for row in np.flatnonzero(lengths > WORD * WORDS):
        whole = blake2b(data[starts[row] : starts[row] + lengths[row]].tobytes(), digest_size=WORD).digest()
        found[row] = int.from_bytes(whole, "little")
    return found


def _bytes(values: pl.Series) -> tuple[NDArray[np.int64], NDArray[np.uint8]]:
    """Where each text begins, and the last one ends, in the bytes of all; after which there is room for a word."""
    array = values.fill_null("").to_arrow(compat_level=pl.CompatLevel.oldest())
    _, starts, data = array.buffers()
    held = np.frombuffer(data or b"", np.uint8)
    return (
        np.frombuffer(starts, np.int64)[array.offset : array.offset + len(array) + 1],
        np.concatenate([held, np.zeros(WORD, np.uint8)]),
    )
