"""A constant's value as a digest: the same in every process, whatever the seed of hashes or the place in memory."""

import datetime
import decimal
import enum
import fractions
import functools
import logging
import pickle
import re
import uuid
from collections.abc import Iterator, Mapping
from pathlib import PurePath
from types import BuiltinFunctionType, FunctionType, MethodType, ModuleType
from typing import Any

import numpy as np

from noria.digest import Digest

WRITTEN = (  # what they are written as says all
    type(None), bool, int, float, complex, str, bytes, bytearray, range, slice, type(...), PurePath, re.Pattern,
    datetime.date, datetime.time, datetime.timedelta, datetime.tzinfo, decimal.Decimal, fractions.Fraction, uuid.UUID,
    np.generic,
)  # fmt: skip
CODE = (FunctionType, MethodType, type, functools.partial)


def look(value: Any) -> tuple[str, list[Any]]:
    """The digest of a value, and the functions and classes it holds, which count by their own code.

    Examples
    --------
    >>> look({"a", "b"}) == look({"b", "a"})
    True
    >>> look([1, 2]) == look([2, 1])
    False
    """
    code: list[Any] = []
    text = "\n".join(_written(value, code, set()))
    return Digest.of(text.encode(errors="surrogatepass")).hex, code


def _written(value: Any, code: list[Any], above: set[int]) -> Iterator[str]:
    kind = f"{type(value).__module__}.{type(value).__qualname__}"
    if isinstance(value, CODE):
        code.append(value)
        yield f"code {getattr(value, '__qualname__', kind)}"
    elif isinstance(value, enum.Enum):
        yield f"{kind} {value.name}"
    elif isinstance(value, WRITTEN):
        yield f"{kind} {value!r}"
    elif isinstance(value, ModuleType | BuiltinFunctionType):
        yield f"{kind} {value.__name__}"
    elif isinstance(value, logging.Logger):
        yield f"{kind} {value.name}"
    elif id(value) in above:
        yield f"{kind} again"
    else:
        yield f"{kind} ("
        yield from _parts(value, code, above | {id(value)})
        yield ")"


def _parts(value: Any, code: list[Any], above: set[int]) -> Iterator[str]:
    if isinstance(value, np.ndarray):
        yield f"{value.dtype} {value.shape}"
        yield from _written(value.tolist(), code, above) if value.dtype.hasobject else [Digest.of(value.tobytes()).hex]
    elif isinstance(value, set | frozenset):
        yield from sorted("\n".join(_written(one, code, above)) for one in value)
    elif isinstance(value, list | tuple):
        for one in value:
            yield from _written(one, code, above)
    elif isinstance(value, Mapping):
        for key, one in value.items():
            yield from _written(key, code, above)
            yield from _written(one, code, above)
    elif hasattr(value, "to_arrow"):  # a Polars frame or series
        yield from _written([str(value.dtype) if hasattr(value, "dtype") else str(value.schema)], code, above)
        yield from _written(value.to_arrow().to_pylist(), code, above)
    elif hasattr(value, "to_dict") and type(value).__module__.startswith("pandas."):
        yield str(value.dtypes)
        yield from _written(value.to_dict(), code, above)
    else:
        yield from _object(value, code, above)


def _object(value: Any, code: list[Any], above: set[int]) -> Iterator[str]:
    """Any other object: its class, and its attributes if it has them, else its pickle if it can be pickled."""
    code.append(type(value))
    held = dict(getattr(value, "__dict__", {}))
    for base in type(value).__mro__:
        slots = base.__dict__.get("__slots__", ())
        for name in (slots,) if isinstance(slots, str) else slots:
            if name not in ("__dict__", "__weakref__") and hasattr(value, name):
                held[name] = getattr(value, name)
    if held:
        for name in sorted(held):
            yield name
            yield from _written(held[name], code, above)
        return
    try:
        yield Digest.of(pickle.dumps(value, protocol=5)).hex
    except (pickle.PicklingError, TypeError, AttributeError):  # a lock, an open file: nothing a result depends on
        return
