"""What the user declares is of the kind that was asked for: said at once, with the field's name."""

import types
from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields
from typing import Any, Union, get_args, get_origin, get_type_hints

from noria.errors import BadLifecycle

WORDS = {int: "a whole number", float: "a number", str: "a text", bool: "True or False", type(None): "None"}


def check(declared: Any, least: Mapping[str, float] | None = None) -> None:
    """Hold each field of a dataclass against its annotation, and numbers against the least they may be.

    Raises
    ------
    BadLifecycle
        For the first field that does not fit.
    """
    where = type(declared).__name__
    hints = get_type_hints(type(declared))
    for field in fields(declared):
        check_one(field.name, getattr(declared, field.name), hints[field.name], where)
    for name, bound in (least or {}).items():
        value = getattr(declared, name)
        if value is not None and not value >= bound:
            raise BadLifecycle(f"{name} is {value!r}", where=where, do=f"Use {bound:g} or more.")


def check_one(name: str, value: Any, kind: Any, where: str) -> None:
    """Hold one value against a kind; raises ``BadLifecycle``."""
    if isinstance(value, str) and _takes_a_list(kind) and not _fits(value, kind):
        raise BadLifecycle(f"{name} is a text, not a list", where=where, do=f"Write {name}=[{value!r}].")
    if not _fits(value, kind):
        raise BadLifecycle(f"{name}={value!r} is not {_named(kind)}", where=where, do=f"Give {name} {_named(kind)}.")


def _takes_a_list(kind: Any) -> bool:
    return any(get_origin(one) in (Sequence, list, tuple) for one in (kind, *get_args(kind)))


def _fits(value: Any, kind: Any) -> bool:
    origin = get_origin(kind)
    if kind is Any:
        return True
    if origin in (Union, types.UnionType):
        return any(_fits(value, one) for one in get_args(kind))
    if origin is Sequence or origin is tuple:
        inner = [one for one in get_args(kind) if one is not Ellipsis]
        listed = isinstance(value, Sequence) and not isinstance(value, str)
        return listed and all(any(_fits(one, what) for what in inner) for one in value)
    if origin is Mapping or origin is dict:
        return isinstance(value, Mapping)
    if origin is Callable or kind is Callable:
        return callable(value)
    if kind in (int, float):
        return isinstance(value, int if kind is int else int | float) and not isinstance(value, bool)
    return isinstance(value, kind)


def _named(kind: Any) -> str:
    if get_origin(kind) in (Union, types.UnionType):
        return " or ".join(dict.fromkeys(map(_named, get_args(kind))))
    if get_origin(kind) in (Sequence, tuple):
        return "a list"
    if get_origin(kind) in (Mapping, dict):
        return "a dictionary"
    if get_origin(kind) is Callable:
        return "a function"
    return WORDS.get(kind, f"a {getattr(kind, '__name__', kind)}")
