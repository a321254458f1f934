"""Did anything change? Told by the file system's marks alone, without loading the user's code or any library.

After a run that ended well, what it looked at is noted: the marks of every file of the project and of its sources, the
captured tables' newest commits, and where the store stood. If all of that is as it was, the next run would reuse every
step; ``store/repeat.py`` records exactly that. Any doubt leads to the full way, which computes fingerprints.
"""

import hashlib
import os
import re
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import noria
from noria.collect.config import matching
from noria.settings import Settings
from noria.store import repeat

LARGE = 1 << 26  # bytes; the content of a larger file is not compared
SETTLED_NS = 1_000_000_000  # a file that changed later than this before the run might change within its time stamp

UNSURE = re.compile(  # code that may read what no mark shows: a file, the environment, the time, another machine
    r"\b(environ|getenv|open|urlopen|input|eval|exec|import_module|__import__)\b|\bread\w*\("
    r"|\b(time|random|uuid|secrets|datetime|date|requests|httpx|urllib|subprocess|socket)\."
    r"|\.(now|today|loads?|connect|execute)\("
)

Mark = list[int]


def again(settings: Settings, file: Path) -> repeat.Repeated | None:
    """The next run of a lifecycle file, recorded as wholly reused; None if it takes a closer look to know."""
    database = database_of(settings)
    if database is None:
        return None
    key = str(file.resolve())
    noted = repeat.recall(database, key)
    seen = None if noted is None else _same(noted)
    if noted is None or seen is None:
        return None
    return repeat.repeat(database, key, {**noted, **seen})


def note(
    settings: Settings,
    file: Path,
    lifecycle: str,
    number: int,
    *,
    files: Sequence[Path],
    patterns: Sequence[str],
    folders: Sequence[Path],
    began_ns: int,
) -> bool:
    """Note what a run looked at, if a glance can tell whether it changed; True if it was noted.

    Parameters
    ----------
    files
        The lifecycle file and the project's modules it imports.
    patterns, folders
        What its sources match, and the folders whose newest name counts.
    began_ns
        When the run began, in ns since the epoch.
    """
    database = database_of(settings)
    if database is None or any(UNSURE.search(path.read_text(errors="replace")) for path in files):
        return False
    seen = look(file.resolve().parent, files, patterns, folders)
    if not settled(seen, began_ns):
        return False
    seen["digests"] = {path: digest(path) for path, found in seen["files"].items() if found[0] <= LARGE}
    return repeat.note(database, str(file.resolve()), lifecycle, number, seen)


def look(project: Path, files: Sequence[Path], patterns: Sequence[str], folders: Sequence[Path]) -> dict[str, Any]:
    """The marks of everything that decides what a run would do."""
    sources = {pattern: [str(path) for path in matching(pattern, project)] for pattern in patterns}
    named = [*map(str, files), *(path for paths in sources.values() for path in paths)]
    return {
        "project": str(project),
        "files": {path: mark(path) for path in sorted(named)},
        "patterns": sources,
        "folders": {str(folder): newest(folder) for folder in folders},
        "environment": environment(),
    }


def settled(seen: Mapping[str, Any], began_ns: int) -> bool:
    """True if no file changed since shortly before the run began: what it read is what the marks stand for."""
    return all(one is not None and max(one[1], one[2]) < began_ns - SETTLED_NS for one in seen["files"].values())


def mark(path: str) -> Mark | None:
    """A file's size, times of content and of inode in ns, and inode; None if it is not there."""
    try:
        found = os.stat(path)
    except OSError:
        return None
    return [found.st_size, found.st_mtime_ns, found.st_ctime_ns, found.st_ino]


def digest(path: str) -> str:
    """The SHA-256, in hexadecimal, of a file's bytes; of Python's code without comments, formatting and docstrings."""
    if path.endswith(".py"):
        from noria.run.refer import written

        with suppress(SyntaxError, ValueError):
            return hashlib.sha256(written(Path(path).read_bytes()).encode()).hexdigest()
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def newest(folder: Path) -> str:
    """The last name in a folder, such as a table's newest commit; empty if there is none."""
    try:
        return max(os.listdir(folder), default="")
    except FileNotFoundError:
        return ""


def environment() -> list[Any]:
    """Python, noria, and when a library was last installed."""
    places = [place for place in sys.path if place.endswith("site-packages")]
    return [sys.version, noria.__version__, [[place, os.stat(place).st_mtime_ns] for place in places]]


def database_of(settings: Settings) -> Path | None:
    """The file of the metadata store, if it is SQLite's."""
    prefix = "sqlite:///"
    return Path(settings.db.removeprefix(prefix)) if settings.db.startswith(prefix) else None


def _same(noted: Mapping[str, Any]) -> dict[str, Any] | None:
    """What is there now if it is what was noted, but for files that were touched and code that says the same."""
    seen = look(
        Path(noted["project"]),
        [Path(path) for path in noted["files"]],
        list(noted["patterns"]),
        [Path(folder) for folder in noted["folders"]],
    )
    if (
        any(seen[name] != noted[name] for name in seen if name != "files")
        or seen["files"].keys() != noted["files"].keys()
    ):
        return None
    for path, old in noted["files"].items():
        now = seen["files"][path]
        if now == old:
            continue
        if now is None or path not in noted["digests"] or digest(path) != noted["digests"][path]:
            return None
        if max(now[1], now[2]) > time.time_ns() - SETTLED_NS:
            seen["files"][path] = old  # its mark may stand for another content still: look again the next time
    return seen
