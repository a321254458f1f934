"""Which folder's settings count."""

from pathlib import Path


def find_home(start: Path) -> Path:
    """The folder whose settings count for ``start``: the nearest one upwards with ``.noria`` or ``noria.toml``."""
    for folder in (start, *start.parents):
        if (folder / ".noria").is_dir() or (folder / "noria.toml").is_file():
            return folder
    return start
