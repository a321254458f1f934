"""CSV, Parquet and JSON-lines files."""

import csv
import gzip
import io
import re
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import polars as pl

from noria.collect import check, marks
from noria.collect.arrive import Arrival
from noria.collect.config import Files
from noria.collect.offer import Offer, Taken
from noria.errors import BadInput

BY_SUFFIX = {".csv": "csv", ".tsv": "csv", ".parquet": "parquet", ".jsonl": "jsonl", ".ndjson": "jsonl"}

SHOWN = (1_000, 10_000)  # rows that types are told by: to look at a row costs as much as to read several
STRAYS = 0.02  # texts among numbers, as a share of the numbers, that are taken for mistakes
SEPARATORS = (";", "\t", "|", ",")
PEEK = 1 << 16
TIME = re.compile(r"^\d{4}-\d\d-\d\d[T ]\d\d:\d\d")
ZONED = r"(Z|[+-]\d\d:?\d\d)$"
MISSING = ("", "na", "n/a", "null", "none", "nan", "?", "-")


def offers(world: Any, source: Files) -> list[Offer]:
    """Each file that is there now, by its content."""
    found = marks.digests(world, source.paths(world.project))
    return [
        Offer(
            Arrival("files", marks.named(path, world.project), digest, mark[0]),
            partial(_taken, path, source, digest, mark),
        )
        for path, (digest, mark) in found.items()
    ]


def _taken(path: Path, source: Files, digest: str, mark: marks.Mark, attempt: Any) -> Taken:
    if (source.format or _format(path)) == "parquet":
        _whole(path)
        return Taken(path, digest, check=lambda: marks.must_be(path, mark))
    frame = read(path, source)
    marks.must_be(path, mark)
    return Taken(frame, digest)


def _whole(path: Path) -> None:
    """Raise ``BadInput`` if the file is no Parquet file, or ends too early, or has no rows."""
    with _said(path, "parquet"):
        height = pl.scan_parquet(path).select(pl.len()).collect().item()
    if height == 0:
        raise _bad(path, "it has no rows", "Put rows into it or remove it.")


@contextmanager
def _said(path: Path, kind: str) -> Iterator[None]:
    """Whatever a reader says of a file, in one sentence."""
    try:
        yield
    except (pl.exceptions.PolarsError, OSError, EOFError, zlib.error, UnicodeDecodeError, csv.Error) as error:
        cause = (str(error).splitlines() or [type(error).__name__])[0][:160]
        raise _bad(path, f"it is not readable as {kind}: {cause}", "Correct or remove the file.") from error


def read(path: Path, source: Files) -> pl.DataFrame:
    """A file's rows.

    Raises
    ------
    BadInput
        If it is empty, of an unknown format, truncated, or a row of it is broken: with the line.
    """
    kind = source.format or _format(path)
    with _said(path, kind):
        frame = READERS[kind](path, source)
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
    _check_lengths(path, (separator.encode(), b"\n"))
    header = _check_header(path, separator)
    text = {name: pl.String for name in source.text if name in header}
    rows = partial(pl.read_csv, path, separator=separator, schema_overrides=text, try_parse_dates=True)
    frame = _inferred(rows, lambda: _check_rows(path, separator))
    if frame.width and frame[:, -1].null_count():  # what the reader makes of a row with too few fields
        _check_rows(path, separator)
        frame = frame.filter(~pl.all_horizontal(pl.all().is_null()))  # and of an empty line
    for column in [name for name, kind in frame.schema.items() if kind == pl.String and name not in text]:
        _check_zones(path, frame[column])
        numbers = _numbers(frame[column])
        if isinstance(numbers, str):
            raise _stray(path, separator, column, numbers)
        frame = frame if numbers is None else frame.with_columns(numbers)
    return frame


def _inferred(rows: Callable[..., pl.DataFrame], check_rows: Callable[[], None]) -> pl.DataFrame:
    """The rows in the types that the first ones show; if a later one does not fit, in those that more of them show."""
    for shown in SHOWN:
        try:
            return rows(infer_schema_length=shown)
        except pl.exceptions.ComputeError:
            continue
    check_rows()
    return rows(infer_schema_length=None)


def _numbers(values: pl.Series) -> pl.Series | str | None:
    """Texts as numbers if that is what they are; None if they are texts; the first text among them if it is a stray."""
    head = values.head(int(STRAYS * len(values)) + 1)
    if len(_strays(head)[1]) == len(head):  # more strays than there may be, whatever the others are
        return None
    numbers, strays = _strays(values)
    count = numbers.len() - numbers.null_count()
    if not count or len(strays) > STRAYS * count:
        return None
    return numbers if strays.is_empty() else str(strays[0])


def _strays(values: pl.Series) -> tuple[pl.Series, pl.Series]:
    """The numbers among texts, and the texts that are neither a number nor a word for a missing one."""
    numbers = values.str.strip_chars().cast(pl.Float64, strict=False)
    others = values.filter(numbers.is_null() & values.is_not_null())
    return numbers, others.filter(~others.str.strip_chars().str.to_lowercase().is_in(MISSING))


def _stray(path: Path, separator: str, column: str, value: str) -> BadInput:
    with _text(path) as file:
        rows = csv.DictReader(file, delimiter=separator)
        line = next((rows.line_num for row in rows if row.get(column) == value), 0)
    what = f"line {line}: {value!r} in column {column}, where nearly all values are numbers"
    return _bad(path, what, f'Correct it; if the column holds text, write nr.Files(..., text=["{column}"]).')


def _check_header(path: Path, separator: str) -> list[str]:
    with _text(path) as file:
        header = next(csv.reader(file, delimiter=separator), [])
    if len(header) == 1 and (others := [one for one in SEPARATORS if one in header[0]]):
        what = f"its only column is {header[0][:60]!r}: its fields seem to be separated by {others[0]!r}"
        raise _bad(path, what, f"Write nr.Files(..., separator={others[0]!r}).")
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
    _check_lengths(path, (b'"', b",", b"\n"))
    return pl.read_ndjson(path, infer_schema_length=None)


def _check_lengths(path: Path, ends: tuple[bytes, ...]) -> None:
    """Raise ``BadInput`` if a long stretch of a text file has nothing that would end a value, before it is read."""
    step = check.LONGEST // 2
    if path.suffix in (".gz", ".zst") or path.stat().st_size < 2 * step:
        return
    with path.open("rb") as file:
        for start in range(0, path.stat().st_size - step, step):
            file.seek(start)
            if not any(end in file.read(PEEK) for end in ends):
                file.seek(start)
                block = file.read(2 * step)
                if len(block) > step and not any(end in block for end in ends):
                    raise check.too_long(path.name, f"from byte {start:,} on there is one value that does not end")


def _check_zones(path: Path, values: pl.Series) -> None:
    """Raise ``BadInput`` if some of a column's times name their zone and others do not: they cannot be compared."""
    values = values.drop_nulls()
    if values.is_empty() or not TIME.match(values[0]):
        return
    zoned = values.str.contains(ZONED)
    if zoned.any() and not zoned.all() and values.str.contains(TIME.pattern).all():
        what = f"some times in column {values.name} name their zone ({values.filter(zoned)[0]}) and some do not"
        raise _bad(path, f"{what} ({values.filter(~zoned)[0]})", "Write all of them with, or all without a zone.")


READERS = {"csv": _csv, "parquet": _parquet, "jsonl": _jsonl}


def _bad(path: Path, what: str, do: str) -> BadInput:
    return BadInput(f"{path.name} cannot be collected: {what}", where=str(path), do=do)
