"""What one piece of code refers to: names, chains of attributes, imports inside it, and the values it carries."""

import ast
import dis
import importlib
import inspect
import sys
import textwrap
from collections.abc import Iterator, Mapping
from types import CodeType, FunctionType, ModuleType
from typing import Any

Named = tuple[str, Any]  # a name as people know it, and what it stands for


def referred(thing: Any, tree: ast.AST | None) -> Iterator[Named]:
    """All that a function or class refers to, by name, in what surrounds it."""
    scope = vars(sys.modules[thing.__module__]) if inspect.isclass(thing) else thing.__globals__
    known = {**scope, **_imported(tree, scope.get("__package__") or "")}
    if isinstance(thing, FunctionType):
        for name, value in _held(thing).items():
            yield name, value
        names = _globals_of(thing.__code__) | _imports_of(tree)
        names |= {node.id for part in _around(tree) for node in ast.walk(part) if isinstance(node, ast.Name)}
    else:
        methods = [inspect.unwrap(_bare(one)) for one in vars(thing).values()]
        for one in methods:
            if isinstance(one, FunctionType) and one.__module__ == thing.__module__:
                for name, value in _held(one).items():
                    yield name, value
        names = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)} if tree else set()
    for path in sorted(_paths(tree) if tree else {(name,) for name in names}):
        if path[0] in names and path[0] in known:
            yield _follow(path, known)


def _follow(path: tuple[str, ...], known: Mapping[str, Any]) -> Named:
    """What a chain of names stands for: attributes are followed through modules, and no further."""
    thing, used = known[path[0]], path[0]
    for name in path[1:]:
        if not isinstance(thing, ModuleType) or not hasattr(thing, name):
            break
        thing, used = getattr(thing, name), name
    return used, thing


def _paths(tree: ast.AST) -> Iterator[tuple[str, ...]]:
    """Chains of names as they are written, the longest at each place: ``a.b.c``, ``d``."""
    inner: set[int] = set()
    for node in ast.walk(tree):
        if id(node) in inner:
            continue
        chain: list[str] = []
        at = node
        while isinstance(at, ast.Attribute):
            chain.append(at.attr)
            at = at.value
            inner.add(id(at))
        if isinstance(at, ast.Name):
            yield (at.id, *reversed(chain))


def _held(function: FunctionType) -> dict[str, Any]:
    """Values that a function carries with it: closure and defaults."""
    cells = dict(zip(function.__code__.co_freevars, function.__closure__ or (), strict=True))
    held = {name: cell.cell_contents for name, cell in cells.items() if name != "__class__" and _is_filled(cell)}
    if function.__defaults__:
        held["defaults"] = function.__defaults__
    if function.__kwdefaults__:
        held["keyword defaults"] = function.__kwdefaults__
    if hasattr(function, "__wrapped__"):
        held["wrapped"] = function.__wrapped__
    return {f"{name} of {function.__qualname__}": value for name, value in held.items()}


def _is_filled(cell: Any) -> bool:
    try:
        cell.cell_contents  # noqa: B018 - asking is the only way to know
    except ValueError:
        return False
    return True


def _globals_of(code: CodeType) -> set[str]:
    """Names that a function's code, and the functions inside it, may look up outside."""
    names = {str(one.argval) for one in dis.get_instructions(code) if one.opname in LOOKED_UP}
    for one in code.co_consts:
        if isinstance(one, CodeType):
            names |= _globals_of(one)
    return names


LOOKED_UP = ("LOAD_GLOBAL", "LOAD_NAME", "LOAD_FROM_DICT_OR_GLOBALS")


def _around(tree: ast.AST | None) -> list[ast.AST]:
    """What is evaluated where a function is defined: its decorators."""
    if tree is None:
        return []
    body = getattr(tree, "body", [])
    return [one for node in body[:1] for one in getattr(node, "decorator_list", [])]


def _imports_of(tree: ast.AST | None) -> set[str]:
    nodes = [node for node in ast.walk(tree) if isinstance(node, ast.Import | ast.ImportFrom)] if tree else []
    return {(alias.asname or alias.name).partition(".")[0] for node in nodes for alias in node.names}


def _imported(tree: ast.AST | None, package: str) -> dict[str, Any]:
    """What imports inside a function or class bind."""
    found: dict[str, Any] = {}
    for node in ast.walk(tree) if tree else ():
        try:
            if isinstance(node, ast.Import):
                for alias in node.names:
                    module = importlib.import_module(alias.name)
                    found[alias.asname or alias.name.partition(".")[0]] = (
                        module if alias.asname else sys.modules[alias.name.partition(".")[0]]
                    )
            elif isinstance(node, ast.ImportFrom):
                base = importlib.import_module("." * node.level + (node.module or ""), package or None)
                for alias in node.names:
                    if not hasattr(base, alias.name) and hasattr(base, "__path__"):
                        importlib.import_module(f"{base.__name__}.{alias.name}")
                    found[alias.asname or alias.name] = getattr(base, alias.name)
        except (ImportError, AttributeError):  # optional, or made at run time: it will say so when it is called
            continue
    return found


def _bare(one: Any) -> Any:
    """The function inside a static method, class method or property."""
    return getattr(one, "__func__", None) or getattr(one, "fget", None) or one


def tree_of(thing: Any) -> ast.AST | None:
    """The syntax tree; None where the source cannot be cut out, as for a lambda in the middle of a call."""
    if getattr(thing, "__name__", "") == "<lambda>":
        return None
    try:
        return without_docstrings(ast.parse(textwrap.dedent(inspect.getsource(thing))))
    except (OSError, SyntaxError, TypeError):
        return None


def written(source: bytes) -> str:
    """What a file of code says, without comments, formatting and docstrings."""
    return ast.dump(without_docstrings(ast.parse(source)))


def without_docstrings(tree: ast.AST) -> ast.AST:
    for node in ast.walk(tree):
        body = getattr(node, "body", None)
        if not isinstance(node, ast.Module | ast.FunctionDef | ast.ClassDef | ast.AsyncFunctionDef) or not body:
            continue
        first = body[0].value if isinstance(body[0], ast.Expr) else None
        if isinstance(first, ast.Constant) and isinstance(first.value, str):
            node.body = body[1:] or [ast.Pass()]
    return tree


def bytecode(code: CodeType) -> list[Any]:
    """What a function without source does, as plain data without places."""
    inner = [bytecode(one) if isinstance(one, CodeType) else one for one in code.co_consts]
    return [code.co_code, list(code.co_names), list(code.co_varnames), inner]
