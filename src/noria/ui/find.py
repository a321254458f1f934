"""The words in an address, and the things they name; a wrong one leads to the right one."""

from collections.abc import Collection
from difflib import get_close_matches
from typing import Any

from sqlalchemy import Connection

from noria.errors import NotFound
from noria.store import datasets, overview, registry, routes

MOST = 8  # names that a sentence lists
SHOWN = 80  # characters of what was asked for


def unknown(kind: str, name: str, known: Collection[str]) -> NotFound:
    """The error that nothing has this name; it says what was probably meant, or what there is."""
    near, some = get_close_matches(name, known, n=1), sorted(known)[:MOST]
    there = ", ".join(some) + (", …" if len(known) > MOST else "") if some else "none yet"
    do = f"Did you mean {near[0]}?" if near else f"There are: {there}."
    return NotFound(f"no {kind} {name[:SHOWN]}", where="pages", do=do)


def number(text: str) -> int | None:
    """A version's number; None if it is none."""
    return int(text) if text.isdecimal() and len(text) < 10 else None


def lifecycle(connection: Connection, name: str) -> str:
    known = overview.lifecycles(connection)
    if name not in known:
        raise unknown("lifecycle", name, known)
    return name


def dataset(connection: Connection, name: str) -> str:
    known = datasets.datasets(connection)
    if name not in known:
        raise unknown("dataset", name, known)
    return name


def data(connection: Connection, name: str) -> datasets.Version:
    """The version that ``DATASET``, ``DATASET@2`` or ``DATASET@tag`` names."""
    base, _, which = name.partition("@")
    versions = datasets.versions(connection, dataset(connection, base))
    if not which:
        return versions[-1]
    tags = datasets.tags(connection, base)
    wanted = tags.get(which, number(which))
    found = [one for one in versions if one.number == wanted]
    if not found:
        raise unknown("version", name, [f"{base}@{one.number}" for one in versions] + [f"{base}@{t}" for t in tags])
    return found[0]


def model(connection: Connection, name: str) -> registry.ModelVersion:
    """The version that ``MODEL``, ``MODEL@3`` or ``MODEL@champion`` names."""
    base, _, which = name.partition("@")
    versions = registry.versions(connection, base)
    if not versions:
        raise unknown("model", base, {one.model for one in registry.versions(connection)})
    aliases = registry.aliases(connection, base)
    default = aliases.get(registry.CHAMPION, versions[-1].number)
    wanted = aliases.get(which, number(which)) if which else default
    found = [one for one in versions if one.number == wanted]
    if not found:
        known = [f"{base}@{one.number}" for one in versions] + [f"{base}@{alias}" for alias in aliases]
        raise unknown("version", name, known)
    return found[0]


def endpoint(connection: Connection, name: str) -> routes.Route:
    found = routes.newest(connection, name)
    if found is None:
        raise unknown("endpoint", name, [one.endpoint for one in routes.all_newest(connection)])
    return found


def step(steps: Collection[Any], word: str) -> Any | None:
    """The step run of a word; None if the run has none."""
    return next((one for one in steps if one.step == word), None)
