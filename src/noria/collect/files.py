"""CSV, Parquet and JSON-lines files."""

import csv
import gzip
import io
import zlib
from functools import partial
from pathlib import Path

import polars as pl

from noria.collect.config import Files
from noria.errors import BadInput

BY_SUFFIX = {".csv": "csv", ".tsv": "csv", ".parquet": "parquet", ".jsonl": "jsonl", ".ndjson": "jsonl"}

STRAYS = 0.02  # texts among numbers, as a share of the numbers, that are taken for mistakes
MISSING = ("", "na", "n/a", "null", "none", "nan", "?", "-")


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
    except (pl.exceptions.PolarsError, OSError, EOFError, zlib.error, UnicodeDecodeError, csv.Error) as error:
        cause = (str(error).splitlines() or [type(error).__name__])[0][:160]
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
    header = _check_header(path, separator)
    text = {name: pl.String for name in source.text if name in header}
    rows = partial(pl.read_csv, path, separator=separator, schema_overrides=text, try_parse_dates=True)
    try:
        frame = rows(infer_schema_length=10_000)
    except pl.exceptions.ComputeError:
        _check_rows(path, separator)
        frame = rows(infer_schema_length=None)
    if frame.width and frame[:, -1].null_count():  # what the reader makes of a row with too few fields
        _check_rows(path, separator)
        frame = frame.filter(~pl.all_horizontal(pl.all().is_null()))  # and of an empty line
    for column in [name for name, kind in frame.schema.items() if kind == pl.String and name not in text]:
        numbers = _numbers(frame[column])
        if isinstance(numbers, str):
            raise _stray(path, separator, column, numbers)
        frame = frame if numbers is None else frame.with_columns(numbers)
    return frame


def _numbers(values: pl.Series) -> pl.Series | str | None:
    """Texts as numbers if that is what they are; None if they are texts; the first text among them if it is a stray."""
    numbers = values.str.strip_chars().cast(pl.Float64, strict=False)
    others = values.filter(numbers.is_null() & values.is_not_null())
    strays = others.filter(~others.str.strip_chars().str.to_lowercase().is_in(MISSING))
    count = numbers.len() - numbers.null_count()
    if not count or len(strays) > STRAYS * count:
        return None
    return numbers if strays.is_empty() else str(strays[0])


def _stray(path: Path, separator: str, column: str, value: str) -> BadInput:
    with _text(path) as file:
        rows = csv.DictReader(file, delimiter=separator)
        line = next((rows.line_num for row in rows if row.get(column) == value), 0)
    what = f"line {line}: {value!r} in column {column}, where nearly all values are numbers"
    return _bad(path, what, f'Correct it; if the column holds text, write nr.Files(..., text=["{column}"]).')


def _check_header(path: Path, separator: str) -> list[str]:
    with _text(path) as file:
        header = next(csv.reader(file, delimiter=separator), [])
    double = sorted({name for name in header if header.count(name) > 1})
    if double:
        raise _bad(path, f"column {', '.join(double)} is there twice", "Rename one of them.")
    return header


def _check_rows(path: Path, separator: str) -> None:
    with _text(path) as file:
        rows = csv.reader(file, delimiter=separator)
        width = len(next(rows, []))
        for row in rows:
            if row and len(row) != width:
                fields = f"line {rows.line_num} has {len(row)} fields instead of {width}"
                raise _bad(path, fields, "Correct that line.")


def _text(path: Path) -> io.TextIOBase:
    if path.suffix == ".gz":
        return gzip.open(path, "rt", encoding="utf-8-sig", newline="")
    return path.open(encoding="utf-8-sig", newline="")


def _parquet(path: Path, source: Files) -> pl.DataFrame:
    return pl.read_parquet(path)


def _jsonl(path: Path, source: Files) -> pl.DataFrame:
    if path.stat().st_size == 0:
        raise _bad(path, "it is empty", "Put rows into it or remove it.")
    return pl.read_ndjson(path, infer_schema_length=None)


READERS = {"csv": _csv, "parquet": _parquet, "jsonl": _jsonl}


def _bad(path: Path, what: str, do: str) -> BadInput:
    return BadInput(f"{path.name} cannot be collected: {what}", where=str(path), do=do)
