"""Files that a command writes: whole or not at all, and never over another without being told to."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from noria.errors import UserError


@contextmanager
def replacing(file: Path, *, force: bool) -> Iterator[Path]:
    """A path beside ``file`` to write to; it becomes ``file`` if the block ends well, and goes if not.

    Raises
    ------
    UserError
        If ``file`` is there and may not be replaced, or its folder is not.
    """
    if file.is_dir():
        raise UserError(f"{file} is a folder", where=str(file), do="Name a file, or a folder that is not there yet.")
    if not file.absolute().parent.is_dir():
        raise UserError("there is no such folder", where=str(file.parent), do="Make it, or choose another.")
    if file.exists() and not force:
        raise UserError(f"{file.name} is there already", where=str(file), do="Choose another name, or add --force.")
    part = _beside(file)
    try:
        yield part
        _put(part, file)
    finally:
        part.unlink(missing_ok=True)


@contextmanager
def filling(folder: Path, *, force: bool) -> Iterator[Path]:
    """The same for a folder with files in it."""
    if folder.is_file():
        raise UserError(f"{folder} is a file", where=str(folder), do="Name another folder.")
    if not folder.absolute().parent.is_dir():
        raise UserError("there is no such folder", where=str(folder.parent), do="Make it, or choose another.")
    if folder.exists() and any(folder.iterdir()) and not force:
        raise UserError(f"{folder.name} is not empty", where=str(folder), do="Choose another, or add --force.")
    part = _beside(folder)
    try:
        part.mkdir()
        yield part
        if folder.exists():
            shutil.rmtree(folder)
        part.rename(folder)
    finally:
        shutil.rmtree(part, ignore_errors=True)


def _beside(path: Path) -> Path:
    return path.absolute().with_name(f".{path.name}.{os.getpid()}-{os.urandom(4).hex()}.part")


def _put(part: Path, file: Path) -> None:
    handle = os.open(part, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
    part.replace(file)
