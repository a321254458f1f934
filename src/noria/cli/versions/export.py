"""noria data export: a version's rows as files that anybody reads."""

import gzip
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Annotated

import polars as pl
import typer

from noria.cli import output
from noria.cli.versions.compare import Force
from noria.cli.versions.files import filling, replacing
from noria.cli.versions.names import AsJson, Name, called, find, path
from noria.data import table
from noria.data.stored import readable
from noria.errors import UserError
from noria.store import datasets

Sink = Callable[[pl.LazyFrame, Path], object]
BLOCK = 1 << 20  # bytes
Target = Annotated[
    Path, typer.Argument(help="To write: .parquet, .csv, .jsonl, .csv.gz, .jsonl.gz; or a folder, a file a batch.")
]


def export(name: Name, file: Target, force: Force = False, json: AsJson = False) -> None:
    """Write a version's rows, some at a time: to one file, or to a folder with one Parquet file a batch."""
    place = output.existing_place()
    version = find(place, name)
    delta = path(place, version.dataset)
    with readable(delta):
        _write(delta, version, file, force=force)
    if json:
        output.show_json({"dataset": version.dataset, "version": version.number, "rows": version.rows, "file": file})
    else:
        output.say(f"{version.rows:,} rows of {called(version)} in {file}")


def _write(delta: str, version: datasets.Version, file: Path, *, force: bool) -> None:
    if file.suffix == "" or file.is_dir():
        with filling(file, force=force) as folder:
            for number, batch in enumerate(version.batches, start=1):
                _rows(delta, [batch]).sink_parquet(folder / f"{number:04d}-{batch}.parquet")
    else:
        sink = _sink(file)
        with replacing(file, force=force) as part:
            sink(_rows(delta, version.batches), part)


def _rows(delta: str, batches: Sequence[str]) -> pl.LazyFrame:
    return table.scan(delta, batches).drop(*table.BOOKKEEPING, strict=False)


def _sink(file: Path) -> Sink:
    ends = "".join(file.suffixes[-2:]) if file.suffix == ".gz" else file.suffix
    if ends not in SINKS:
        raise UserError(f"cannot write {ends!r}", where=str(file), do=f"Use one of {', '.join(SINKS)}.")
    return SINKS[ends]


def _packed(sink: Sink) -> Sink:
    """Written, then compressed: gzip cannot be written to from the middle of a query."""

    def write(rows: pl.LazyFrame, part: Path) -> None:
        plain = part.with_name(f"{part.name}.plain")
        try:
            sink(rows, plain)
            with plain.open("rb") as source, gzip.GzipFile("", "wb", 6, part.open("wb"), mtime=0) as packed:
                shutil.copyfileobj(source, packed, BLOCK)
        finally:
            plain.unlink(missing_ok=True)

    return write


SINKS: dict[str, Sink] = {
    ".parquet": pl.LazyFrame.sink_parquet,
    ".csv": pl.LazyFrame.sink_csv,
    ".jsonl": pl.LazyFrame.sink_ndjson,
    ".csv.gz": _packed(pl.LazyFrame.sink_csv),
    ".jsonl.gz": _packed(pl.LazyFrame.sink_ndjson),
}
