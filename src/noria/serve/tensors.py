"""Tensors of the Open Inference Protocol, whichever way they came: one column each, and their bytes.

As bytes, values are little-endian without gaps, and each text has its length before it: the binary tensor extension of
REST and the raw contents of gRPC are the same.
"""

import struct
from collections.abc import Iterable, Sequence
from functools import cache
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from noria.errors import BadInput
from noria.model.signature import Signature
from noria.serve.limits import MOST_ROWS
from noria.serve.protocol import DTYPES, Answer

LENGTH = struct.Struct("<I")
MANY = 16  # texts that are sooner read all at once
ASCII = 128
SPARE = 1 << 16  # bytes that texts of one width may take beyond four times their own


def count(name: str, shape: Sequence[int]) -> int:
    """The number of rows, which is that of values: each input is one column."""
    if not shape or min(shape) < 0 or prod(shape) != shape[0]:
        said = list(shape[:8]), "…" if len(shape) > 8 else ""
        raise BadInput(
            f"input {name!r} has shape {said[0]}{said[1]}",
            where="inputs",
            do="Each input is one column: [rows] or [rows, 1].",
        )
    return bounded(shape[0])


def bounded(rows: int) -> int:
    """The number of rows, if so many are taken."""
    if rows > MOST_ROWS:
        raise BadInput(f"the request has {rows} rows", where="body", do=f"Send at most {MOST_ROWS} at once.")
    return rows


def gather(tensors: Iterable[tuple[str, int, Any]]) -> tuple[dict[str, Any], int]:
    """Columns by name and their number of rows, from names, numbers of rows and values."""
    columns: dict[str, Any] = {}
    rows = 0
    for name, own, values in tensors:
        if name in columns:
            raise BadInput(f"input {name!r} is there twice", where="inputs", do="Send each input once.")
        if columns and own != rows:
            raise BadInput(f"input {name!r} has {own} rows, the one before {rows}", where="inputs", do="Align them.")
        rows = own
        columns[name] = values
    return columns, rows


def unpack(name: str, datatype: str, rows: int, data: memoryview) -> NDArray[Any] | list[str]:
    """One input's values from its bytes; many texts as an array of bytes of one width, if that is all they need."""
    if datatype == "BYTES":
        return _texts(name, data, rows)
    if datatype not in DTYPES:
        raise wrong(name, f"datatype {datatype!r}")
    dtype = np.dtype(DTYPES[datatype]).newbyteorder("<")
    if len(data) != rows * dtype.itemsize:
        raise wrong(name, f"{len(data)} bytes for {rows} values of {datatype}")
    return np.frombuffer(data, dtype=dtype)


def pack(values: NDArray[Any], datatype: str) -> bytes:
    """One output's values as bytes."""
    if datatype != "BYTES":
        return np.ascontiguousarray(values, dtype=np.dtype(DTYPES[datatype]).newbyteorder("<")).tobytes()
    return b"".join(map(_Packed().__getitem__, values.reshape(-1).tolist()))


class _Packed(dict[object, bytes]):
    """Texts as bytes, each made once: labels are few, many times."""

    def __missing__(self, text: object) -> bytes:
        self[text] = made = pack_text(text)
        return made


def pack_text(text: object) -> bytes:
    data = str(text).encode()
    return LENGTH.pack(len(data)) + data


def outputs(answer: Answer, names: Sequence[str]) -> list[tuple[str, str, NDArray[Any]]]:
    """The outputs asked for, or all: name, datatype, values."""
    if answer.label is None:
        there = {"value": ("FP32", answer.scores)}
    else:
        there = {"label": ("BYTES", _spelled(answer.label, answer.signature)),
                 "probability": ("FP32", answer.scores)}  # fmt: skip
    unknown = [name for name in names if name not in there]
    if unknown:
        raise BadInput(f"no output {unknown[0]!r}", where="outputs", do=f"There are {', '.join(there)}.")
    return [(name, *there[name]) for name in names or there]


def wrong(name: str, what: str) -> BadInput:
    return BadInput(f"input {name!r} has {what}", where="inputs", do="Correct the tensor.")


def _spelled(labels: NDArray[Any], signature: Signature) -> NDArray[Any]:
    if signature.several or all(type(one) is str for one in signature.classes or ()):
        return labels
    return np.array([str(one) for one in labels.tolist()], dtype=object)


def _texts(name: str, data: memoryview, rows: int) -> list[str] | NDArray[np.bytes_]:
    found = _plain(np.frombuffer(data, dtype=np.uint8), rows) if rows >= MANY else None
    return _each(name, data, rows) if found is None else found


def _plain(data: NDArray[np.uint8], rows: int) -> NDArray[np.bytes_] | None:
    """Texts of 1 to 127 ASCII characters, none of them NUL: their only zeros are in the lengths before them, so all
    are found at once. None: they are others. Each ends with a zero, as ONNX Runtime takes them."""
    if not len(data) or data.max() >= ASCII:
        return None
    zeros = np.flatnonzero(data == 0)
    if len(zeros) != 3 * rows:
        return None
    begins = zeros[::3] + 3
    lengths = data[begins - LENGTH.size]
    ends = begins + lengths
    if begins[0] != LENGTH.size or ends[-1] != len(data) or (begins[1:] != ends[:-1] + LENGTH.size).any():
        return None
    width = int(lengths.max()) + 1
    if rows * width > 4 * len(data) + SPARE:  # one long text among many short ones
        return None
    beyond = np.zeros(len(data) + width, dtype=np.uint8)
    beyond[: len(data)] = data
    # of each place what follows it, copied as one item each; then zeros where the next text's length and it would be
    found: NDArray[Any] = np.ndarray((len(data),), f"V{width}", beyond, strides=(1,))[begins]
    bits = found.view(np.uint8)
    bits &= _kept(width)[lengths].view(np.uint8)
    return found.view(f"S{width}")


@cache
def _kept(width: int) -> NDArray[np.void]:
    """By the length of a text, all bits of its own bytes among so many."""
    own = np.arange(width) < np.arange(ASCII)[:, None]
    return (own * np.uint8(255)).view(f"V{width}").reshape(-1)


def _each(name: str, data: memoryview, rows: int) -> list[str]:
    found, at = [], 0
    try:
        for _ in range(rows):
            (length,) = LENGTH.unpack_from(data, at)
            text = bytes(data[at + LENGTH.size : at + LENGTH.size + length])
            if len(text) != length:
                raise wrong(name, "a text that ends too soon")
            found.append(text.decode())
            at += LENGTH.size + length
    except (struct.error, UnicodeDecodeError) as error:
        raise wrong(name, f"texts that cannot be read ({error})") from error
    if at != len(data):
        raise wrong(name, f"{len(data) - at} bytes too many")
    return found
