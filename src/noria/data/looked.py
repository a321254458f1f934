"""What was found in files of tables, so that each is read through once: such a file never changes under its name."""

from collections.abc import Collection
from pathlib import Path

Key = tuple[str, int, int, int, str, frozenset[str]]
Looked = dict[Key, bool]  # whether a file's column holds one of some texts, as far as somebody has read all of it


def key(file: Path, column: str, values: Collection[str]) -> Key:
    """What is to be found in a file as it is now: take it before reading.

    A file is told by its name, inode, size and time: what was written anew, or went on being written, is another.
    """
    stat = file.stat()
    return str(file), stat.st_ino, stat.st_size, stat.st_mtime_ns, column, frozenset(values)
