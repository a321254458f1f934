"""The code a function can reach: functions, classes, constants and modules of the project, and versions of libraries.

What counts is the syntax tree without docstrings, so comments and formatting do not. Followed are global names and
chains of attributes, imports inside functions, closures, defaults, decorators, base classes, ``functools.partial``, and
functions kept in constants. What is computed from a name at run time (``getattr(module, name)``) cannot be followed
name by name: a module used as a value counts as a whole.
"""

import ast
import functools
import inspect
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import FunctionType, MethodType, ModuleType
from typing import Any

from noria.digest import Digest
from noria.lifecycle import Lifecycle
from noria.run import constant, refer


@dataclass(frozen=True, slots=True)
class Unit:
    """A piece of code: ``kind`` is function, class, constant, module or library."""

    name: str
    kind: str
    digest: str


@dataclass(frozen=True, slots=True)
class Reached:
    units: tuple[Unit, ...]


@dataclass(frozen=True, slots=True)
class Found:
    """A thing that code refers to, and the name and file under which it does."""

    name: str
    thing: Any
    seen_in: str


def reach(function: Callable[..., Any], *, project: Path) -> Reached:
    """All code of the project that a function can call or read.

    Parameters
    ----------
    project
        Folder whose modules are the user's own; of everything else only the library's version counts.
    """
    units: dict[tuple[str, str], Unit] = {}
    looked: dict[tuple[str, str, int], Any] = {}  # holds what it has seen: a freed object's id may be given again
    left = [Found(getattr(function, "__name__", "function"), function, "")]
    while left:
        found = left.pop()
        key = (found.name if _is_constant(found.thing) else "", found.seen_in, id(found.thing))
        if key in looked:
            continue
        looked[key] = found.thing
        unit, more = _look(found, project)
        if unit is not None:
            units[unit.kind, unit.name] = unit
        left += more
    return Reached(tuple(units[key] for key in sorted(units, key=lambda key: (key[1], key[0]))))


def _look(found: Found, project: Path) -> tuple[Unit | None, list[Found]]:
    """A unit for one thing, if it counts by itself, and what it refers to."""
    thing = found.thing
    if isinstance(thing, Lifecycle):  # every step's own part of it is in that step's fingerprint
        return None, []
    if isinstance(thing, MethodType):
        return None, [Found(found.name, part, found.seen_in) for part in (thing.__func__, thing.__self__)]
    if isinstance(thing, functools.partial):
        parts = (thing.func, thing.args, thing.keywords)
        return None, [Found(found.name, part, found.seen_in) for part in parts]
    if isinstance(thing, ModuleType):
        return _module(thing, project), []
    if isinstance(thing, FunctionType) or inspect.isclass(thing):
        file = _file_of(thing, project)
        return (_library(thing), []) if file is None else _code(thing, file)
    if _is_constant(thing):
        digest, code = constant.look(thing)
        more = [Found(getattr(one, "__name__", found.name), one, found.seen_in) for one in code]
        return Unit(f"{found.name} in {found.seen_in}", "constant", digest), more
    return _library(thing if hasattr(thing, "__module__") else type(thing)), []


def _is_constant(thing: Any) -> bool:
    return not (callable(thing) and type(thing).__module__ in CALLED) and not isinstance(
        thing, ModuleType | type | FunctionType | MethodType | functools.partial | Lifecycle
    )


CALLED = ("builtins", "numpy", "functools", "_functools")  # modules of callables that are not Python functions


def _code(thing: Any, file: Path) -> tuple[Unit, list[Found]]:
    kind = "class" if inspect.isclass(thing) else "function"
    name = f"{thing.__qualname__} in {file.name}"
    tree = refer.tree_of(thing)
    written = repr(refer.bytecode(thing.__code__)) if tree is None else ast.dump(tree)
    digest = Digest.of(written.encode()).hex
    return Unit(name, kind, digest), [Found(name, value, file.name) for name, value in refer.referred(thing, tree)]


def _module(module: ModuleType, project: Path) -> Unit | None:
    file = getattr(module, "__file__", None)
    if file is None or not _is_inside(Path(file), project):
        return _library(module)
    tree = refer.without_docstrings(ast.parse(Path(file).read_bytes()))
    return Unit(Path(file).name, "module", Digest.of(ast.dump(tree).encode()).hex)


def _file_of(thing: Any, project: Path) -> Path | None:
    """The project's file that a function or class is written in; None for what is not the project's."""
    try:
        file = inspect.getsourcefile(thing)
    except TypeError:
        file = None
    if file is None and isinstance(thing, FunctionType):
        file = thing.__code__.co_filename
    return Path(file) if file is not None and _is_inside(Path(file), project) else None


def _is_inside(file: Path, project: Path) -> bool:
    return file.is_relative_to(project) and not {"site-packages", "dist-packages"}.intersection(file.parts)


def _library(thing: Any) -> Unit | None:
    name = thing.__name__ if isinstance(thing, ModuleType) else getattr(thing, "__module__", None) or ""
    top = name.partition(".")[0]
    version = getattr(sys.modules.get(top), "__version__", None)
    return Unit(top, "library", str(version)) if version else None
