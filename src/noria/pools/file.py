"""Pools are declared once, in a file. Standard library only.

The file belongs to the place where noria runs, not to a lifecycle: node labels, images and the names of secrets differ
from cluster to cluster, the lifecycle does not. It holds names of secrets, never their values.
"""

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import fields
from typing import Any, TypeVar

from noria.errors import BadInput, BadLifecycle
from noria.pools.pool import Pods, Pool, Pools, Toleration, Volume
from noria.pools.rules import RULES

T = TypeVar("T")


def read(text: str, where: str) -> Pools:
    """Pools as a TOML file has them.

    Raises
    ------
    BadInput
        For the first thing in it that cannot be.
    """
    try:
        plain = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise BadInput(f"it is no TOML: {error}", where=where, do="Correct it.") from error
    return from_plain(plain, where)


def from_plain(plain: Mapping[str, Any], where: str = "pools") -> Pools:
    """Pools as plain data has them; raises ``BadInput``."""
    unknown = plain.keys() - {"pools", "pods"}
    if unknown:
        raise BadInput(f"unknown table {', '.join(sorted(unknown))}", where=where, do="Write [pods] and [pools.NAME].")
    listed = _table(plain.get("pools") or {}, f"{where}, pools")
    if not listed:
        raise BadInput("there is no pool", where=where, do="Declare one as [pools.NAME].")
    pools = {name: _pool(name, held, f"{where}, pools.{name}") for name, held in listed.items()}
    pods = _pods(plain["pods"], f"{where}, pods") if plain.get("pods") else None
    made = Pools(pools, pods)
    for rule in RULES:
        for problem, do in rule(made):
            raise BadInput(problem, where=where, do=do)
    return made


def _pool(name: str, held: Any, where: str) -> Pool:
    plain = {**_table(held, where), "name": name}
    return _made(Pool, {**plain, **_listed(Toleration, plain, "tolerations", where)}, where)


def _pods(held: Any, where: str) -> Pods:
    plain = _table(held, where)
    return _made(Pods, {**plain, **_listed(Volume, plain, "volumes", where)}, where)


def _listed(kind: type[T], plain: Mapping[str, Any], name: str, where: str) -> dict[str, tuple[T, ...]]:
    held = plain.get(name, ())
    if isinstance(held, str) or not isinstance(held, Sequence):
        raise BadInput(f"{name} is no list", where=where, do=f"Write {name} as a list of tables.")
    return {name: tuple(_made(kind, _table(one, where), f"{where}.{name}") for one in held)}


def _table(held: Any, where: str) -> Mapping[str, Any]:
    if not isinstance(held, Mapping):
        raise BadInput(f"{held!r} is no table", where=where, do="Write it as a table.")
    return held


def _made(kind: type[T], held: Mapping[str, Any], where: str) -> T:
    known = [one.name for one in fields(kind)]  # type: ignore[arg-type]  # each kind is a dataclass
    unknown = held.keys() - set(known)
    if unknown:
        raise BadInput(f"unknown {', '.join(sorted(unknown))}", where=where, do=f"Known are {', '.join(known)}.")
    try:
        return kind(**held)
    except BadLifecycle as error:
        raise BadInput(error.what, where=where, do=error.do) from error
    except TypeError as error:  # the one kind there can be: a field without a default is not given
        missing = str(error).rpartition(":")[2].strip()
        raise BadInput(f"{missing} is missing", where=where, do="Give it.") from error
