"""Where rows come from."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from glob import glob
from pathlib import Path
from typing import Any

from noria.declared import check
from noria.errors import BadLifecycle

FORMATS = ("csv", "parquet", "jsonl")


@dataclass(frozen=True)
class Files:
    """CSV, Parquet or JSON-lines files, each file one batch; a file that was seen, by content, is not collected again.

    Parameters
    ----------
    pattern
        Path or glob, from the lifecycle file's folder.
    format
        ``csv``, ``parquet`` or ``jsonl``; None: by the file's extension.
    separator
        Between the fields of a CSV file.
    text
        Columns of a CSV file that are text even where nearly all values look like numbers, such as article numbers.
    """

    pattern: str
    format: str | None = None
    separator: str = ","
    text: Sequence[str] = ()

    def __post_init__(self) -> None:
        check(self)
        if self.format not in (None, *FORMATS):
            raise BadLifecycle(f"unknown format {self.format!r}", where="Files", do=f"Use one of {', '.join(FORMATS)}.")
        if len(self.separator) != 1:
            raise BadLifecycle("separator is not one character", where="Files", do='Use for example ";".')
        object.__setattr__(self, "text", tuple(self.text))

    def paths(self, project: Path) -> list[Path]:
        """The files there are now, in the order of their names."""
        return matching(self.pattern, project)


def matching(pattern: str, project: Path) -> list[Path]:
    """The files that a pattern names, from a project's folder, in the order of their names."""
    return sorted(Path(name) for name in glob(str(project / pattern), recursive=True) if Path(name).is_file())


@dataclass(frozen=True)
class Rows:
    """Rows that a function gives: a batch per distinct content.

    Parameters
    ----------
    give
        Takes nothing, returns mappings from column to value, or a Polars or pandas frame.
    """

    give: Callable[[], Iterable[Mapping[str, Any]] | Any]

    def __post_init__(self) -> None:
        check(self)


@dataclass(frozen=True)
class Captured:
    """Predictions that were served and whose label has arrived since. Collected unless ``Feedback(collect=False)``."""


Source = Files | Rows | Captured
