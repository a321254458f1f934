"""The binary tensor extension: which tensors follow the JSON as bytes, and which the caller wants so."""

from collections.abc import Callable
from typing import Any

from noria.serve import tensors

HEADER = "inference-header-content-length"


def decode(name: str, datatype: str, rows: int, size: Any, rest: memoryview) -> tuple[Any, memoryview]:
    """One input's values from the bytes, and the bytes after them."""
    if type(size) is not int or size < 0 or size > len(rest):
        raise tensors.wrong(name, f"binary_data_size {size!r}, and {len(rest)} bytes are there")
    return tensors.unpack(name, datatype, rows, rest[:size]), rest[size:]


def wanted(raw: Any) -> Callable[[str], bool]:
    """Which outputs the caller wants as bytes: what an output says goes before what the request says."""
    whole = (raw.parameters or {}).get("binary_data_output") is True
    single = {one.name: (one.parameters or {}).get("binary_data") for one in raw.outputs or ()}
    return lambda name: whole if single.get(name) is None else single[name] is True
