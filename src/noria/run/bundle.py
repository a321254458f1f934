"""The lifecycle file and the project's modules that it imports, packed and content-addressed."""

import ast
import importlib.util
import io
import os
import shutil
import sys
import tempfile
import traceback
import zipfile
from collections.abc import Iterator, Sequence
from importlib.machinery import (
    EXTENSION_SUFFIXES,
    SOURCE_SUFFIXES,
    ExtensionFileLoader,
    FileFinder,
    SourceFileLoader,
)
from pathlib import Path
from types import CodeType, ModuleType

from noria.errors import BadLifecycle, Damaged, NoriaError, UserError

EPOCH = (1980, 1, 1, 0, 0, 0)
SKIPPED = {"site-packages", ".venv", "venv", "__pycache__"}


def load_lifecycle_module(entry: Path, project: Path) -> ModuleType:
    """Import the user's file afresh, its project's other modules too.

    Raises
    ------
    UserError
        If there is no such file.
    BadLifecycle
        If it cannot be imported: with file, line and cause.
    """
    if not entry.is_file():
        raise UserError("there is no such file", where=str(entry), do="Give the lifecycle file, such as lifecycle.py.")
    _forget(project)
    name = entry.stem
    if name in sys.stdlib_module_names:
        raise UserError(
            f"{entry.name} has the name of a module of Python itself", where=str(entry), do="Rename it: lifecycle.py."
        )
    spec = importlib.util.spec_from_file_location(name, entry, loader=Fresh(name, str(entry.resolve())))
    if spec is None or spec.loader is None:
        raise UserError("this is no Python file", where=str(entry), do="Give a file that ends in .py.")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except NoriaError:
        raise
    except SyntaxError as error:
        raise BadLifecycle(
            f"{error.msg}: {(error.text or '').strip()}",
            where=f"{error.filename}:{error.lineno}",
            do="Correct that line.",
        ) from error
    except Exception as error:
        raise BadLifecycle(
            f"the file raised {type(error).__name__}: {error}", where=_place(error, project), do="Correct it."
        ) from error
    return module


def pack(entry: Path, project: Path, named: Sequence[Path] = ()) -> bytes:
    """The lifecycle file, all project modules it imports and the files it names: the same bytes for the same code."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
        for file in sorted({*files(entry, project), *named}):
            archive.writestr(zipfile.ZipInfo(file.relative_to(project).as_posix(), EPOCH), file.read_bytes())
    return buffer.getvalue()


def unpack(data: bytes, into: Path) -> Path:
    """Write a bundle's files; complete or not there, also if two processes do it at once.

    Raises
    ------
    Damaged
        If a name in it would leave the folder.
    """
    into.parent.mkdir(parents=True, exist_ok=True)
    fresh = Path(tempfile.mkdtemp(dir=into.parent))
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        for name in archive.namelist():
            if name.startswith("/") or ".." in Path(name).parts:
                raise Damaged(f"the bundle holds {name!r}", where=str(into), do="Run the lifecycle again.")
        archive.extractall(fresh)
    try:
        os.rename(fresh, into)
    except OSError:
        if not into.is_dir():
            raise
        shutil.rmtree(fresh)  # another process was first
    return into


def files(entry: Path, project: Path) -> set[Path]:
    """The lifecycle file and all files of the project that it imports, directly or through others."""
    found: set[Path] = set()
    left = [entry]
    while left:
        file = left.pop()
        if file not in found:
            found.add(file)
            left += _imported(file, project)
    return found


def _imported(file: Path, project: Path) -> Iterator[Path]:
    for node in ast.walk(ast.parse(file.read_bytes())):
        names: list[str] = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                parts = file.parent.relative_to(project).parts
                base = ".".join([*parts[: len(parts) - node.level + 1], *([base] if base else [])])
            names = [base, *(f"{base}.{alias.name}" for alias in node.names)]
        for name in names:
            yield from _files_of(name, project)


def _files_of(module: str, project: Path) -> Iterator[Path]:
    parts = [part for part in module.split(".") if part]
    for depth in range(1, len(parts) + 1):
        place = project.joinpath(*parts[:depth])
        for file in (place.with_suffix(".py"), place / "__init__.py"):
            if file.is_file():
                yield file


class Fresh(SourceFileLoader):
    """Compiles what the file says now: cached bytecode is told apart by whole seconds and size only."""

    def get_code(self, fullname: str) -> CodeType:
        path = self.get_filename(fullname)
        code: CodeType = self.source_to_code(self.get_data(path), path)
        return code


def _finder(folder: str) -> FileFinder:
    """A path hook: modules of the loaded project are compiled afresh; ``ImportError`` for all others."""
    if not any(Path(folder).is_relative_to(one) for one in _loaded) or SKIPPED.intersection(Path(folder).parts):
        raise ImportError(folder)
    return FileFinder(folder, (ExtensionFileLoader, EXTENSION_SUFFIXES), (Fresh, SOURCE_SUFFIXES))


_loaded: list[Path] = []  # projects whose modules may be in sys.modules: at most the last one


def _forget(project: Path) -> None:
    """Make way: modules of this project and of the one loaded before go, so that each sees its own, as it is now."""
    folders = {project, *_loaded}
    within = tuple(f"{str(folder).rstrip(os.sep)}{os.sep}" for folder in folders)  # thousands of paths are compared
    for folder in map(str, folders):
        while folder in sys.path:
            sys.path.remove(folder)
    for name, module in list(sys.modules.items()):
        file = getattr(module, "__file__", None)
        ours = file and file.startswith(within) and not SKIPPED.intersection(Path(file).parts)
        if ours and name.partition(".")[0] not in ("noria", "__main__"):
            del sys.modules[name]
    for place in list(sys.path_importer_cache):
        if f"{place}{os.sep}".startswith(within):
            del sys.path_importer_cache[place]
    _loaded[:] = [project]
    if _finder not in sys.path_hooks:
        sys.path_hooks.insert(0, _finder)
    sys.path.insert(0, str(project))
    importlib.invalidate_caches()


def _place(error: Exception, project: Path) -> str:
    frames = [f for f in traceback.extract_tb(error.__traceback__) if Path(f.filename).is_relative_to(project)]
    return f"{frames[-1].filename}:{frames[-1].lineno}" if frames else str(project)
