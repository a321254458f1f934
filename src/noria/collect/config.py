"""Where rows come from."""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from glob import glob
from pathlib import Path
from typing import Any

from noria.declared import check
from noria.errors import BadLifecycle

FORMATS = ("csv", "parquet", "jsonl")
POLICIES = ("weights", "exploration", "all", "exclude")
ADBC = "adbc+"  # before the URL of a database whose rows are read by its ADBC driver


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


class Address:
    """A database URL; its text, also in messages, plans and records, is without the password."""

    def __init__(self, whole: str) -> None:
        self.whole = whole

    def __str__(self) -> str:
        return re.sub(r"(://[^:/@]*):[^/]*@", r"\1:***@", self.whole)

    def __repr__(self) -> str:
        return repr(str(self))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Address) and other.whole == self.whole

    def __hash__(self) -> int:
        return hash(self.whole)


@dataclass(frozen=True)
class Sql:
    """Rows of a database: those above the greatest watermark that was collected are the next batch.

    Parameters
    ----------
    query
        Name of a table, or a SELECT. Another query is another source, which starts from the beginning.
    url
        SQLAlchemy URL, such as ``postgresql+psycopg://me@host/shop``; take a password from ``os.environ``. The path
        of a SQLite file starts from the lifecycle file's folder. With ``adbc+`` before ``postgresql://`` or
        ``sqlite://``, rows are read by ADBC, several times as fast; install ``noria[adbc]``.
    watermark
        Column that grows with every row that comes, such as a serial number or the time of the insertion. A row
        that comes later with a value that was reached before is not seen.
    """

    query: str
    url: str | Address
    watermark: str

    def __post_init__(self) -> None:
        check(self)
        for name in ("query", "watermark"):
            if not getattr(self, name).strip():
                raise BadLifecycle(f"{name} is empty", where="Sql", do='Write nr.Sql("sales", url, watermark="id").')
        if isinstance(self.url, str):
            object.__setattr__(self, "url", Address(self.url))

    @property
    def address(self) -> Address:
        """The URL, wrapped so that its password stays out of texts."""
        return self.url if isinstance(self.url, Address) else Address(self.url)


@dataclass(frozen=True)
class Folder:
    """Images, documents or other whole files, each a row: path, digest, bytes, media, and the label by sub-folder.

    A file that was seen under the same label, by content, is no new row. All new files are one batch.

    Parameters
    ----------
    path
        Folder, from the lifecycle file's folder. ``images/cat/1.png`` has the label ``cat``; a file right in the
        folder has none. Names that begin with a dot are passed over.
    """

    path: str

    def __post_init__(self) -> None:
        check(self)


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
    """Predictions that were served and whose label has come since. Collected also where it is not declared.

    A model that learns from what its own decisions let it see learns to repeat them: of loans that it refused, no label
    ever comes. The policy says what is done about that.

    Parameters
    ----------
    policy
        ``weights``: an answer counts the more, the more rarely answers like it get a label; ``exploration``: only those
        count whose decision chance took; ``all``: each as it is; ``exclude``: none.
    most
        The largest weight, as a multiple of the mean.
    explored
        Column that callers send with a request: true where not the model but chance decided (``nr.explore`` says for
        whom); with ``weights`` these answers count as they are. None: ``exploration`` learns from the answers whose
        version the route drew (``Serve(explore=…)``).
    consent
        Column that callers send: rows in which it is not true are never learned from.
    without
        Sources of feedback, such as ``"opted-out"``: a prediction of which one of them told anything is left out.
    share
        The share of subjects whose answers are learned from; who they are is decided by a stable hash.
    """

    policy: str = "weights"
    most: float = 10.0
    explored: str | None = None
    consent: str | None = None
    without: Sequence[str] = ()
    share: float = 1.0

    def __post_init__(self) -> None:
        check(self, least={"most": 1})
        if self.policy not in POLICIES:
            raise BadLifecycle(f"unknown policy {self.policy!r}", where="Captured", do=f"Use {', '.join(POLICIES)}.")
        if not 0 < self.share <= 1:
            raise BadLifecycle(f"share is {self.share!r}", where="Captured", do="Use a share above 0, at most 1.")
        object.__setattr__(self, "without", tuple(self.without))


Source = Files | Sql | Folder | Rows | Captured
