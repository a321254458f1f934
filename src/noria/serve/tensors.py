"""Tensors of the Open Inference Protocol, whichever way they came: one column each, and their bytes.

As bytes, values are little-endian without gaps, and each text has its length before it: the binary tensor extension of
REST and the raw contents of gRPC are the same.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from noria.errors import BadInput
from noria.model import texts
from noria.model.signature import Signature
from noria.serve.limits import MOST_ROWS
from noria.serve.protocol import DTYPES, Answer


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


@dataclass(frozen=True, slots=True)
class Packed:
    """An input's values as bytes, in the place of its values."""

    datatype: str
    data: memoryview


def gather(tensors: Iterable[tuple[str, int, Any]]) -> tuple[dict[str, Any], int]:
    """Columns by name and their number of rows, from names, numbers of rows and values, or ``Packed`` in their place.

    Raises
    ------
    BadInput
        If bytes are no values of their datatype, an input is there twice, or one has other rows than the first.
    """
    columns: dict[str, Any] = {}
    rows = 0
    for name, own, values in _unpacked(list(tensors)):
        if name in columns:
            raise BadInput(f"input {name!r} is there twice", where="inputs", do="Send each input once.")
        if columns and own != rows:
            raise BadInput(f"input {name!r} has {own} rows, the one before {rows}", where="inputs", do="Align them.")
        rows = own
        columns[name] = values
    return columns, rows


def _unpacked(tensors: Sequence[tuple[str, int, Any]]) -> list[tuple[str, int, Any]]:
    """With values in the place of ``Packed``; many texts are ``Texts``, if they can be."""
    many = [
        (place, values.data, rows)
        for place, (_, rows, values) in enumerate(tensors)
        if isinstance(values, Packed) and values.datatype == "BYTES" and rows >= texts.MANY
    ]
    found = texts.found([(data, rows) for _, data, rows in many]) if many else []
    at_once = {place: one for (place, _, _), one in zip(many, found, strict=True)}
    return [
        (name, rows, at_once.get(place) or _values(name, rows, values) if isinstance(values, Packed) else values)
        for place, (name, rows, values) in enumerate(tensors)
    ]


def _values(name: str, rows: int, packed: Packed) -> NDArray[Any] | list[str]:
    datatype, data = packed.datatype, packed.data
    if datatype == "BYTES":
        try:
            return texts.one_by_one(data, rows)
        except ValueError as error:
            raise wrong(name, f"texts that cannot be read ({error})") from error
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
    return b"".join(map(_Once().__getitem__, values.reshape(-1).tolist()))


class _Once(dict[object, bytes]):
    """Texts as bytes, each made once: labels are few, many times."""

    def __missing__(self, text: object) -> bytes:
        self[text] = made = pack_text(text)
        return made


def pack_text(text: object) -> bytes:
    data = str(text).encode()
    return texts.LENGTH.pack(len(data)) + data


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
