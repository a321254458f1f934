"""Fitted objects as bytes: the same bytes for the same object, readable where the user's modules are not.

Pickles hold functions and classes of the user's own modules by value, so that a server needs no checkout. skops names
things by their memory addresses; they are numbered in the order in which they appear instead. Sets come in the order
of their hashes, which for texts changes from process to process; they are kept as sorted lists instead.
"""

import io
import json
import os
import pickle
import re
import site
import sys
import sysconfig
import zipfile
from collections import ChainMap
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from types import CodeType, ModuleType
from typing import Any, ClassVar

import noria

TIME = (1980, 1, 1, 0, 0, 0)
SITES = frozenset({"site-packages", "dist-packages"})
SETS: Mapping[str, type] = {"set": set, "frozenset": frozenset}
ADDRESS = re.compile(r'(?<="__id__": )\d+|(?<=")\d+(?=\.npy")')


def pickled(one: Any) -> bytes:
    """An object as a pickle, the user's own code in it by value; ``unpickled`` reads it."""
    import cloudpickle

    with _by_value(cloudpickle):
        return _dumped(one)


def _dumped(one: Any) -> bytes:
    out = io.BytesIO()
    _pickler()(out, protocol=pickle.HIGHEST_PROTOCOL).dump(one)
    return out.getvalue()


@cache
def _pickler() -> Any:
    """cloudpickle's way of writing, without folders in code and with sets in order."""
    import cloudpickle

    code_of = cloudpickle.Pickler.dispatch_table[CodeType]

    class Pickler(cloudpickle.Pickler):  # type: ignore[misc]
        dispatch_table: ClassVar[Any] = ChainMap(
            {CodeType: lambda code: code_of(code.replace(co_filename=Path(code.co_filename).name))},
            cloudpickle.Pickler.dispatch_table,
        )

        def persistent_id(self, one: Any) -> tuple[str, list[Any]] | None:
            """Asked about everything before anything else: the one place where a set can be kept otherwise."""
            return (type(one).__name__, _sorted(one)) if type(one) in SETS.values() else None

    return Pickler


def unpickled(data: bytes) -> Any:
    """What ``pickled`` wrote; for bytes that somebody vouches for only."""
    return _Unpickler(io.BytesIO(data)).load()


class _Unpickler(pickle.Unpickler):
    def persistent_load(self, kept: tuple[str, list[Any]]) -> Any:
        kind, items = kept
        return SETS[kind](items)


def _sorted(items: Iterable[Any]) -> list[Any]:
    found = list(items)
    return sorted(found) if all(type(one) is str for one in found) else sorted(found, key=_dumped)


def numbered(data: bytes) -> bytes:
    """A skops archive with numbers in place of addresses, sets in order, and without times."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        files = {name: archive.read(name) for name in archive.namelist()}
    numbers: dict[str, str] = {}
    schema = ADDRESS.sub(
        lambda found: numbers.setdefault(found[0], str(len(numbers))), _in_order(files.pop("schema.json").decode())
    )
    renamed = {f"{numbers.get(Path(name).stem, Path(name).stem)}{Path(name).suffix}": files[name] for name in files}
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in sorted([*renamed.items(), ("schema.json", schema.encode())]):
            archive.writestr(zipfile.ZipInfo(name, TIME), content, zipfile.ZIP_DEFLATED)
    return out.getvalue()


def _in_order(schema: str) -> str:
    """A skops schema whose sets of plain values are sorted."""
    return json.dumps(json.loads(schema, object_hook=_set_in_order)) if '"SetNode"' in schema else schema


def _set_in_order(node: dict[str, Any]) -> dict[str, Any]:
    plain = node.get("__loader__") == "SetNode" and all(one.get("is_json") for one in node["content"])
    return {**node, "content": sorted(node["content"], key=lambda one: str(one["content"]))} if plain else node


@contextmanager
def _by_value(cloudpickle: Any) -> Iterator[None]:
    """The user's modules by value, and without the folder they lie in: the same code gives the same bytes anywhere."""
    modules = {module.__name__: module for module in list(sys.modules.values()) if _is_the_users(module)}.values()
    files = [module.__file__ for module in modules]
    for module, file in zip(modules, files, strict=True):
        cloudpickle.register_pickle_by_value(module)
        module.__file__ = Path(str(file)).name
    # cloudpickle marks classes with random numbers, so that what is read in this process is the class that was written:
    # without them the bytes are the same every time, and reading makes a class of its own.
    marked = cloudpickle.cloudpickle._get_or_create_tracker_id
    cloudpickle.cloudpickle._get_or_create_tracker_id = lambda definition: None
    try:
        yield
    finally:
        cloudpickle.cloudpickle._get_or_create_tracker_id = marked
        for module, file in zip(modules, files, strict=True):
            module.__file__ = file
            cloudpickle.unregister_pickle_by_value(module)


def _is_the_users(module: ModuleType) -> bool:
    """True for modules that are no part of Python, of noria, or of an installed library."""
    file = getattr(module, "__file__", None)
    if not isinstance(file, str) or not file.endswith(".py") or module.__name__ not in sys.modules:
        return False
    return not (file.startswith(_installed()) or _is_of_a_library(module.__name__, Path(file)))


@cache
def _installed() -> tuple[str, ...]:
    """Folders of Python, of its libraries and of noria; not the prefix itself, under which a project may lie."""
    paths = sysconfig.get_paths()
    places = {paths[name] for name in ("stdlib", "platstdlib", "purelib", "platlib")}
    places |= {*site.getsitepackages(), site.getusersitepackages(), str(Path(noria.__file__).parent)}
    return tuple(sorted(f"{place}{os.sep}" for place in places))


def _is_of_a_library(name: str, file: Path) -> bool:
    """True if a module was installed, wherever it is found: by a ``.pth`` file, another environment, PYTHONPATH."""
    top, *inside = name.split(".")
    root = file.parent.parent if file.name == "__init__.py" else file.parent
    for _ in inside:
        root = root.parent
    return not SITES.isdisjoint(root.parts) or top in _installed_in(root)


@cache
def _installed_in(folder: Path) -> frozenset[str]:
    """The modules and packages of a folder that an installer put there; one in development is not among them."""
    lines = (line for record in folder.glob("*.dist-info/RECORD") for line in record.read_text().splitlines())
    return frozenset(re.split(r"[/,]", line, maxsplit=1)[0].removesuffix(".py") for line in lines)
