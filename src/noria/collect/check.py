"""May these rows be collected? If not, one sentence."""

import csv
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import polars as pl

from noria.data import parquet
from noria.data.schema import Schema
from noria.data.table import BOOKKEEPING
from noria.errors import BadInput

LONGEST = 16 << 20  # bytes of one value: a row goes through memory several times, and so would a longer one


def usable(columns: Collection[str], name: str, schema: Schema) -> None:
    """Raise ``BadInput`` if a column that the schema names is missing, or one has a reserved name."""
    for column in (schema.label, schema.subject, schema.time, *schema.protected):
        if column is not None and column not in columns:
            raise BadInput(
                f"there is no column {column!r} in {name}",
                where=f"columns are {', '.join(list(columns)[:20])}",
                do="Correct the file, or the schema in the lifecycle file.",
            )
    kind = columns.get(schema.label) if isinstance(columns, Mapping) else None
    if isinstance(kind, pl.List | pl.Array) and schema.task != "multilabel":
        raise BadInput(
            f"the label {schema.label!r} is a list in {name}: a row has several labels",
            where="Schema",
            do="Write Schema(..., task='multilabel').",
        )
    taken = sorted(set(columns) & set(BOOKKEEPING))
    if taken:
        raise BadInput(f"column {', '.join(taken)} has a reserved name", where=name, do="Rename it.")


def short(rows: pl.DataFrame | Path, name: str) -> None:
    """Raise ``BadInput`` if a text is longer than ``LONGEST``; of a Parquet file, only what may be is decoded."""
    frame = pl.scan_parquet(rows) if isinstance(rows, Path) else rows.lazy()
    texts = [column for column, kind in frame.collect_schema().items() if kind == pl.String]
    if isinstance(rows, Path):
        sizes = parquet.largest_chunks(rows)
        texts = [column for column in texts if sizes.get(column, LONGEST + 1) > LONGEST]
    if not texts:
        return
    with readable(Path(name), "parquet"):
        longest = frame.select(pl.col(texts).str.len_bytes().max()).collect(engine="streaming").row(0, named=True)
    for column, size in longest.items():
        if size is not None and size > LONGEST:
            raise too_long(name, f"column {column} has a value of {size / 1e6:,.0f} MB")


@contextmanager
def readable(path: Path, kind: str) -> Iterator[None]:
    """Whatever a reader says of a file, in one sentence."""
    try:
        yield
    except (pl.exceptions.PolarsError, OSError, EOFError, UnicodeDecodeError, csv.Error) as error:
        cause = (str(error).splitlines() or [type(error).__name__])[0][:160]
        raise bad(path, f"it is not readable as {kind}: {cause}", "Correct or remove the file.") from error


def bad(path: Path, what: str, do: str) -> BadInput:
    """The sentence for a file that cannot be used."""
    return BadInput(f"{path.name} cannot be collected: {what}", where=str(path), do=do)


def too_long(name: str, what: str) -> BadInput:
    """The sentence for a value that is too long."""
    return BadInput(
        f"{name} cannot be collected: {what}; the limit is {LONGEST / 1e6:,.0f} MB",
        where=name,
        do="Shorten it; keep long documents as files, and collect them with nr.Folder.",
    )
