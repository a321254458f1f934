"""CSV, Parquet and JSON-lines files."""

import csv
import gzip
import io
from pathlib import Path

import polars as pl

from noria.collect.config import Files
from noria.errors import BadInput

BY_SUFFIX = {".csv": "csv", ".tsv": "csv", ".parquet": "parquet", ".jsonl": "jsonl", ".ndjson": "jsonl"}


def read(path: Path, source: Files) -> pl.DataFrame:
    """A file's rows.

    Raises
    ------
    BadInput
        If it is empty, of an unknown format, truncated, or a row of it is broken: with the line.
    """
    kind = source.format or _format(path)
    try:
        frame = READERS[kind](path, source)
    except (pl.exceptions.PolarsError, OSError, UnicodeDecodeError) as error:
        cause = str(error).splitlines()[0][:160]
        raise _bad(path, f"it is not readable as {kind}: {cause}", "Correct or remove the file.") from error
    if frame.height == 0:
        raise _bad(path, "it has no rows", "Put rows into it or remove it.")
    return frame


def _format(path: Path) -> str:
    suffixes = [s for s in path.suffixes if s not in (".gz", ".zst")]
    if not suffixes or suffixes[-1].lower() not in BY_SUFFIX:
        raise _bad(path, f"its extension {path.suffix!r} is unknown", 'Say what it is: nr.Files(..., format="csv").')
    return BY_SUFFIX[suffixes[-1].lower()]


def _csv(path: Path, source: Files) -> pl.DataFrame:
    if path.stat().st_size == 0:
        raise _bad(path, "it is empty", "Put rows into it or remove it.")
    separator = "\t" if ".tsv" in path.suffixes else source.separator
    _check_header(path, separator)
    try:
        return pl.read_csv(path, separator=separator, infer_schema_length=10_000, try_parse_dates=True)
    except pl.exceptions.ComputeError:
        broken = _first_broken(path, separator)
        if broken:
            raise _bad(path, broken, "Correct that line.") from None
        return pl.read_csv(path, separator=separator, infer_schema_length=None, try_parse_dates=True)


def _check_header(path: Path, separator: str) -> None:
    with _text(path) as file:
        header = next(csv.reader(file, delimiter=separator), [])
    double = sorted({name for name in header if header.count(name) > 1})
    if double:
        raise _bad(path, f"column {', '.join(double)} is there twice", "Rename one of them.")


def _first_broken(path: Path, separator: str) -> str | None:
    with _text(path) as file:
        rows = csv.reader(file, delimiter=separator)
        width = len(next(rows, []))
        for row in rows:
            if row and len(row) != width:
                return f"line {rows.line_num} has {len(row)} fields instead of {width}"
    return None


def _text(path: Path) -> io.TextIOBase:
    if path.suffix == ".gz":
        return gzip.open(path, "rt", encoding="utf-8", newline="")
    return path.open(encoding="utf-8", newline="")


def _parquet(path: Path, source: Files) -> pl.DataFrame:
    return pl.read_parquet(path)


def _jsonl(path: Path, source: Files) -> pl.DataFrame:
    if path.stat().st_size == 0:
        raise _bad(path, "it is empty", "Put rows into it or remove it.")
    return pl.read_ndjson(path, infer_schema_length=None)


READERS = {"csv": _csv, "parquet": _parquet, "jsonl": _jsonl}


def _bad(path: Path, what: str, do: str) -> BadInput:
    return BadInput(f"{path.name} cannot be collected: {what}", where=str(path), do=do)
