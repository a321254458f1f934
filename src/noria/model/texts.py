"""Texts as bytes, each with its length before it: many of them are found at once, and are what a graph is fed with.

So they stand in the binary tensor extension of REST, in the raw contents of gRPC and in the spool.
"""

import struct
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

LENGTH = struct.Struct("<I")
MANY = 16  # texts that are sooner found all at once
LONGEST = 127  # of those that are: their lengths have three zeros behind them, and are ASCII themselves
SPARE = 1 << 16  # bytes that texts of one width may take beyond four times their own

Bytes = bytes | memoryview


class Texts:
    """Texts of 1 to 127 ASCII characters, none of them NUL. Made by ``found``.

    sent
        Their bytes, as they came.
    """

    __slots__ = ("_begins", "_lengths", "_room", "sent")

    def __init__(
        self, sent: Bytes, room: NDArray[np.uint8], begins: NDArray[np.intp], lengths: NDArray[np.uint8]
    ) -> None:
        self.sent = sent
        self._room = room
        self._begins = begins
        self._lengths = lengths

    def __len__(self) -> int:
        return len(self._begins)

    @property
    def width(self) -> int:
        """Bytes of the longest, with the zero at its end."""
        return int(self._lengths.max()) + 1

    def ended(self) -> NDArray[np.bytes_]:
        """The texts as bytes of one width, each up to its first zero: what stands behind that is not theirs. So ONNX
        Runtime takes them; to numpy they would be other texts."""
        width = self.width
        # at each place what follows it, of which those where texts begin are copied as one item each
        items = np.ndarray((len(self._room) - LONGEST,), f"V{width}", self._room, strides=(1,))
        return items[self._begins].view(f"S{width}")

    def tolist(self) -> list[str]:
        text, at = bytes(self.sent).decode("ascii"), 0
        found = []
        for length in self._lengths.tolist():
            at += LENGTH.size
            found.append(text[at : at + length])
            at += length
        return found


def found(parts: Sequence[tuple[Bytes, int]]) -> list[Texts | None]:
    """The texts of each part, which says how many it has; None: there are others among them, or other bytes."""
    together = _together(parts) if all(count for _, count in parts) else None
    if together is not None or len(parts) == 1:
        return together or [None]
    return [one for part in parts for one in found([part])]


def one_by_one(data: Bytes, count: int) -> list[str]:
    """So many texts, whatever they are.

    Raises
    ------
    ValueError
        If the bytes are no such texts, or there are others behind them.
    """
    data = memoryview(data)
    texts: list[str] = []
    at = 0
    for _ in range(count):
        if at + LENGTH.size > len(data):
            raise ValueError(f"{len(texts)} texts where {count} are due")
        (length,) = LENGTH.unpack_from(data, at)
        at += LENGTH.size
        if at + length > len(data):
            raise ValueError("a text that ends too soon")
        texts.append(str(data[at : at + length], "utf-8"))
        at += length
    if at != len(data):
        raise ValueError(f"{len(data) - at} bytes too many")
    return texts


def _together(parts: Sequence[tuple[Bytes, int]]) -> list[Texts | None] | None:
    """All parts at once: their only zeros are in the lengths, three in a row in each."""
    room = bytearray().join([*(data for data, _ in parts), bytes(LONGEST + 1)])
    if not room.isascii():
        return None
    all_of_it = np.frombuffer(room, dtype=np.uint8)
    data = all_of_it[: -LONGEST - 1]
    counts = [count for _, count in parts]
    zero = data == 0
    if np.count_nonzero(zero) != 3 * sum(counts):
        return None
    three = zero[:-2] & zero[1:-1]
    three &= zero[2:]
    begins = np.flatnonzero(three) + 3
    if len(begins) != sum(counts):
        return None
    lengths = all_of_it[begins - LENGTH.size]
    ends = begins + lengths
    firsts = np.cumsum([0, *counts[:-1]])
    where = np.cumsum([0, *(len(part) for part, _ in parts[:-1])])
    aligned = np.array_equal(begins[1:], ends[:-1] + LENGTH.size) and ends[-1] == len(data)
    if not aligned or not np.array_equal(begins[firsts], where + LENGTH.size):
        return None
    all_of_it[ends] = 0  # where the length of the next one was
    made = [
        Texts(part, all_of_it, begins[first : first + count], lengths[first : first + count])
        for (part, count), first in zip(parts, firsts.tolist(), strict=True)
    ]
    return [one if len(one) * one.width <= 4 * len(one.sent) + SPARE else None for one in made]
