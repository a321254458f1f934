"""The binary tensor extension: little-endian values after the JSON, texts with their length before them."""

import struct
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from noria.errors import BadInput
from noria.serve.protocol import DTYPES

LENGTH = struct.Struct("<I")
HEADER = "inference-header-content-length"


def decode(name: str, datatype: str, count: int, size: Any, rest: memoryview) -> tuple[Any, memoryview]:
    """One input's values from the bytes, and the bytes after them."""
    if type(size) is not int or size < 0 or size > len(rest):
        raise _wrong(name, f"binary_data_size {size!r}, and {len(rest)} bytes are there")
    mine, rest = rest[:size], rest[size:]
    if datatype == "BYTES":
        return _texts(name, mine, count), rest
    if datatype not in DTYPES:
        raise _wrong(name, f"datatype {datatype!r}")
    dtype = np.dtype(DTYPES[datatype]).newbyteorder("<")
    if size != count * dtype.itemsize:
        raise _wrong(name, f"{size} bytes for {count} values of {datatype}")
    return np.frombuffer(mine, dtype=dtype), rest


def encode(values: NDArray[Any], datatype: str) -> bytes:
    """One output's values as bytes."""
    if datatype != "BYTES":
        return np.ascontiguousarray(values, dtype=np.dtype(DTYPES[datatype]).newbyteorder("<")).tobytes()
    texts = [str(one).encode() for one in values.reshape(-1).tolist()]
    return b"".join(part for text in texts for part in (LENGTH.pack(len(text)), text))


def wanted(raw: Any) -> Callable[[str], bool]:
    """Which outputs the caller wants as bytes: what an output says goes before what the request says."""
    whole = (raw.parameters or {}).get("binary_data_output") is True
    single = {one.name: (one.parameters or {}).get("binary_data") for one in raw.outputs or ()}
    return lambda name: whole if single.get(name) is None else single[name] is True


def _texts(name: str, data: memoryview, count: int) -> list[str]:
    found, at = [], 0
    try:
        for _ in range(count):
            (length,) = LENGTH.unpack_from(data, at)
            text = bytes(data[at + LENGTH.size : at + LENGTH.size + length])
            if len(text) != length:
                raise _wrong(name, "a text that ends too soon")
            found.append(text.decode())
            at += LENGTH.size + length
    except (struct.error, UnicodeDecodeError) as error:
        raise _wrong(name, f"texts that cannot be read ({error})") from error
    if at != len(data):
        raise _wrong(name, f"{len(data) - at} bytes too many")
    return found


def _wrong(name: str, what: str) -> BadInput:
    return BadInput(f"input {name!r} has {what}", where="inputs", do="Correct the binary tensor.")
