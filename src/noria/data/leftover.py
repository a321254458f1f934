"""Files of tables that are no part of them: what killed writers left, and what was replaced by other files."""

import json
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote

from noria.data import parquet, subjects, table
from noria.data.table import BATCH

LOG = "_delta_log"


@dataclass(frozen=True, slots=True)
class Leftover:
    """A file that no reader of the newest table needs; ``bytes`` is its size."""

    path: Path
    bytes: int


def tables(root: Path) -> list[Path]:
    """All tables under a folder: of datasets, and of captured answers."""
    return sorted({log.parent for depth in ("*", "*/*/*") for log in root.glob(f"{depth}/{LOG}") if log.is_dir()})


def find(path: Path, before: float) -> Iterator[Leftover]:
    """Files that are no part of a table, and were neither written nor replaced since ``before``, in seconds since 1970.

    What is younger may be on its way into the table, or be read by somebody who opened it before.
    """
    opened = table._open(str(path))
    if opened is None:
        return
    live = {unquote(file) for files in table._files(opened).values() for file in files}
    gone = _replaced(path / LOG)
    for file in sorted(path.glob(f"{BATCH}=*/*")):
        name = str(file.relative_to(path))
        with suppress(FileNotFoundError):  # somebody else cleared it away
            found = file.stat()
            if name not in live and max(found.st_mtime, gone.get(name, 0.0)) < before:
                yield Leftover(file, found.st_size)


def remove(found: Leftover) -> bool:
    """Remove a file, and its folder if that is empty then; whether it is gone."""
    with suppress(FileNotFoundError):
        found.path.unlink()
        parquet.sync(found.path.parent)
    with suppress(OSError):  # it is not empty
        found.path.parent.rmdir()
    return True


def tidy(path: Path) -> None:
    """Remove the index of files that are no part of the table."""
    subjects.tidy(str(path))


def _replaced(log: Path) -> dict[str, float]:
    """When each file that is no part of the table any more was taken out of it, in seconds since 1970."""
    found: dict[str, float] = {}
    for entry in log.glob("*.json"):
        with suppress(FileNotFoundError):
            for line in entry.read_bytes().splitlines():
                if b'"remove"' in line:
                    action = json.loads(line).get("remove")
                    if action:
                        found[unquote(action["path"])] = action.get("deletionTimestamp", 0) / 1000
    return found
