"""The code a function can reach: functions, classes and constants of the project's own modules."""

import ast
import inspect
import sys
import textwrap
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import FunctionType, ModuleType
from typing import Any

from noria.digest import Digest


@dataclass(frozen=True, slots=True)
class Unit:
    """A piece of code: ``kind`` is function, class, constant or library."""

    name: str
    kind: str
    digest: str


@dataclass(frozen=True, slots=True)
class Reached:
    units: tuple[Unit, ...]


def reach(function: Callable[..., Any], *, project: Path) -> Reached:
    """All code of the project that a function can call or read; comments, formatting and docstrings do not count."""
    found: dict[int, Unit] = {}
    left: list[tuple[str, Any]] = [(getattr(function, "__name__", "function"), function)]
    while left:
        name, thing = left.pop()
        if id(thing) in found:
            continue
        unit, more = _look(name, thing, project)
        if unit is not None:
            found[id(thing)] = unit
            left += more
    return Reached(tuple(sorted(found.values(), key=lambda unit: (unit.name, unit.kind))))


def _look(name: str, thing: Any, project: Path) -> tuple[Unit | None, list[tuple[str, Any]]]:
    if isinstance(thing, FunctionType) or inspect.isclass(thing):
        file = inspect.getsourcefile(thing) if _ours(thing, project) else None
        if file is None:
            return _library(thing), []
        tree = _tree(thing)
        kind = "class" if inspect.isclass(thing) else "function"
        label = f"{thing.__qualname__} in {Path(file).name}"
        return Unit(label, kind, _digest(tree)), list(_referred(thing, tree))
    if isinstance(thing, ModuleType):
        return None, []
    if callable(thing):
        return _library(type(thing)), []
    return Unit(f"{name}", "constant", Digest.of(repr(thing).encode()).hex), []


def _referred(thing: Any, tree: ast.AST) -> Any:
    scope = vars(sys.modules[thing.__module__])
    cells = {}
    if isinstance(thing, FunctionType):
        scope = thing.__globals__
        values = (cell.cell_contents for cell in thing.__closure__ or ())
        cells = dict(zip(thing.__code__.co_freevars, values, strict=True))
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and node.id in {**scope, **cells}:
            value = {**scope, **cells}[node.id]
            if not isinstance(value, ModuleType):
                yield node.id, value
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            owner = scope.get(node.value.id)
            if isinstance(owner, ModuleType) and hasattr(owner, node.attr):
                yield node.attr, getattr(owner, node.attr)


def _ours(thing: Any, project: Path) -> bool:
    try:
        file = inspect.getsourcefile(thing)
    except TypeError:
        return False
    return file is not None and Path(file).is_relative_to(project) and "site-packages" not in file


def _tree(thing: Any) -> ast.AST:
    tree = ast.parse(textwrap.dedent(inspect.getsource(thing)))
    for node in ast.walk(tree):
        body = getattr(node, "body", None)
        if isinstance(node, ast.FunctionDef | ast.ClassDef | ast.AsyncFunctionDef) and body:
            first = body[0]
            if (
                isinstance(first, ast.Expr)
                and isinstance(first.value, ast.Constant)
                and isinstance(first.value.value, str)
            ):
                node.body = body[1:] or [ast.Pass()]
    return tree


def _digest(tree: ast.AST) -> str:
    return Digest.of(ast.dump(tree).encode()).hex


def _library(thing: Any) -> Unit | None:
    top = (getattr(thing, "__module__", None) or "").partition(".")[0]
    version = getattr(sys.modules.get(top), "__version__", None)
    return Unit(top, "library", str(version)) if version else None
