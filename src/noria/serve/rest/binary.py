"""The binary tensor extension: which tensors follow the JSON as bytes, and which the caller wants so."""

from collections.abc import Callable
from typing import Any

import numpy as np

from noria.errors import BadInput
from noria.model import texts
from noria.model.signature import Signature
from noria.serve import tensors
from noria.serve.protocol import DTYPES, Request

HEADER = "inference-header-content-length"


def cut(name: str, datatype: str, size: Any, rest: memoryview) -> tuple[tensors.Packed, memoryview]:
    """One input's bytes, and those after them."""
    if type(size) is not int or size < 0 or size > len(rest):
        raise tensors.wrong(name, f"binary_data_size {size!r}, and {len(rest)} bytes are there")
    return tensors.Packed(datatype, rest[:size]), rest[size:]


def only(model: str, version: int | None, body: bytes, signature: Signature) -> Request:
    """A request whose body is nothing but the values of the model's only input; a text has no length before it.

    Raises
    ------
    BadInput
        If the model has several inputs, or the bytes are no whole number of values.
    """
    if len(signature.inputs) != 1:
        raise BadInput(
            f"model {model} has {len(signature.inputs)} inputs", where="headers", do=f"Send JSON, and {HEADER} with it."
        )
    (one,) = signature.inputs
    if one.datatype == "BYTES":
        body = texts.LENGTH.pack(len(body)) + body
        rows = 1
    else:
        rows = tensors.bounded(len(body) // np.dtype(DTYPES[one.datatype]).itemsize)
    columns, rows = tensors.gather([(one.name, rows, tensors.Packed(one.datatype, memoryview(body)))])
    return Request(model, columns, rows, version=version)


def wanted(raw: Any) -> Callable[[str], bool]:
    """Which outputs the caller wants as bytes: what an output says goes before what the request says."""
    whole = (raw.parameters or {}).get("binary_data_output") is True
    single = {one.name: (one.parameters or {}).get("binary_data") for one in raw.outputs or ()}
    return lambda name: whole if single.get(name) is None else single[name] is True
