"""CSV: fields between separators, whose types their values show."""

import csv
import io
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from noria.collect import check, pieces, texts
from noria.collect.blocks import blocks, opened
from noria.collect.config import Files
from noria.errors import BadInput

SHOWN = (1_000, 10_000)  # rows that types are told by: to look at a row costs as much as to read several
SEPARATORS = (";", "\t", "|", ",")

Kinds = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Csv:
    """A file, how it is written, and which types are not left to its values."""

    path: Path
    separator: str
    names: list[str]
    said: Kinds

    def rows(self, content: Path | bytes, **options: Any) -> pl.DataFrame:
        return pl.read_csv(
            content, separator=self.separator, try_parse_dates=True, **{"schema_overrides": self.said, **options}
        )

    def blocks(self, start: int) -> Iterator[bytes]:
        """The rows from a byte on, in blocks that each begin with the header."""
        line = io.StringIO()
        csv.writer(line, delimiter=self.separator).writerow(self.names)
        for number, block in enumerate(blocks(self.path, start=start, quoted=True)):
            yield line.getvalue().encode() + block if start or number else block


def opening(path: Path, source: Files) -> Csv:
    """A file whose header can be used.

    Raises
    ------
    BadInput
        If there is one column and it looks like several, or two have one name.
    """
    separator = "\t" if ".tsv" in path.suffixes else source.separator
    first = next(blocks(path, quoted=True), b"")
    names = next(csv.reader(_lines(io.BytesIO(first)), delimiter=separator), [])
    if len(names) == 1 and (others := [one for one in SEPARATORS if one in names[0]]):
        what = f"its only column is {names[0][:60]!r}: its fields seem to be separated by {others[0]!r}"
        raise check.bad(path, what, f"Write nr.Files(..., separator={others[0]!r}).")
    double = sorted({name for name in names if names.count(name) > 1})
    if double:
        raise check.bad(path, f"column {', '.join(double)} is there twice", "Rename one of them.")
    return Csv(path, separator, names, {name: pl.String for name in source.text if name in names})


def read(file: Csv) -> pl.DataFrame:
    """All rows in memory.

    Raises
    ------
    BadInput
        If a row is broken, or a value: with the line.
    """
    frame = _inferred(file)
    if frame.width and frame[:, -1].null_count():  # what the reader makes of a row with too few fields
        check_rows(file)
        frame = _full(frame)
    return mending(file, frame.lazy())(frame)


def kept(file: Csv, folder: Path, start: int = 0) -> list[Path]:
    """The same rows piece by piece, as files; ``mending`` says what they still lack.

    Parameters
    ----------
    start
        Byte at which the rows begin that are wanted; 0: with the first row of the file.
    """
    for shown in SHOWN:
        try:
            return pieces.kept(_pieces(file, start, _shown(file, start, shown)), folder / f"by-{shown}")
        except pl.exceptions.ComputeError:
            continue
    check_rows(file)
    return pieces.kept(_pieces(file, start, _shown(file, start, None)), folder / "by-all")


def mending(file: Csv, rows: pl.LazyFrame) -> Callable[[pl.DataFrame], pl.DataFrame]:
    """What turns columns of numbers and words for missing ones into numbers.

    Raises
    ------
    BadInput
        If a text is among numbers, or a time without its zone among those with one.
    """
    kinds = rows.collect_schema()
    found = texts.told(rows, [name for name, kind in kinds.items() if kind == pl.String and name not in file.said])
    for name, column in found.items():
        if column.zones:
            zoned, plain = column.zones
            what = f"some times in column {name} name their zone ({zoned}) and some do not ({plain})"
            raise check.bad(file.path, what, "Write all of them with, or all without a zone.")
        if column.stray is not None:
            raise _stray(file, name, column.stray)
    numbers = [texts.as_number(name) for name, column in found.items() if column.numbers]
    return lambda frame: frame.with_columns(numbers) if numbers else frame


def check_rows(file: Csv) -> None:
    """Raise ``BadInput`` if a row has more or fewer fields than there are columns."""
    line = 0
    with _long_fields():
        for block in blocks(file.path, quoted=True):
            if not _even(block, file):
                rows = csv.reader(_lines(io.BytesIO(block)), delimiter=file.separator)
                for row in rows:
                    if row and len(row) != len(file.names):
                        fields = f"line {line + rows.line_num} has {len(row)} fields instead of {len(file.names)}"
                        raise check.bad(file.path, fields, "Correct that line.")
            line += block.count(b"\n")


def _even(block: bytes, file: Csv) -> bool:
    """True if it is plain to see that no row has too few fields, of a block in which none has too many."""
    separators, lines = block.count(file.separator.encode()), block.count(b"\n")
    return b'"' not in block and block.endswith(b"\n") and separators == (len(file.names) - 1) * lines


def _inferred(file: Csv) -> pl.DataFrame:
    """The rows in the types that the first ones show; if a later one does not fit, in those that more of them show."""
    for shown in SHOWN:
        try:
            return file.rows(file.path, infer_schema_length=shown)
        except pl.exceptions.ComputeError:
            continue
    check_rows(file)
    return file.rows(file.path, infer_schema_length=None)


def _shown(file: Csv, start: int, rows: int | None) -> Kinds:
    """The types that the first rows show, or all (None): of a block without a value in a column, nothing is told."""
    found: dict[str, pl.DataType] = {}
    for block in file.blocks(start):
        frame = file.rows(block, infer_schema_length=rows, n_rows=rows)
        for column in frame:
            if column.null_count() < len(column):
                found[column.name] = _common(found.get(column.name, column.dtype), column.dtype)
        rows = None if rows is None else rows - frame.height
        if rows is not None and rows <= 0:
            break
    return {name: found.get(name, pl.String()) for name in file.names}


def _common(one: pl.DataType, other: pl.DataType) -> pl.DataType:
    """What the reader takes values of both types for."""
    if {one, other} == {pl.Int64(), pl.Float64()}:
        return pl.Float64()
    return one if one == other else pl.String()


def _pieces(file: Csv, start: int, kinds: Kinds) -> pieces.Pieces:
    """The rows of each block in these types; empty lines are no rows."""
    for block in file.blocks(start):
        frame = file.rows(block, schema_overrides=kinds)
        if frame.width and frame[:, -1].null_count():
            check_rows(file)
            frame = _full(frame)
        yield frame


def _full(frame: pl.DataFrame) -> pl.DataFrame:
    return frame.filter(~pl.all_horizontal(pl.all().is_null()))


def _stray(file: Csv, column: str, value: str) -> BadInput:
    with opened(file.path) as content, _long_fields():
        rows = csv.DictReader(_lines(content), delimiter=file.separator)
        line = next((rows.line_num for row in rows if row.get(column) == value), 0)
    what = f"line {line}: {value!r} in column {column}, where nearly all values are numbers"
    return check.bad(file.path, what, f'Correct it; if the column holds text, write nr.Files(..., text=["{column}"]).')


def _lines(content: Any) -> io.TextIOWrapper:
    return io.TextIOWrapper(content, encoding="utf-8-sig", newline="")


@contextmanager
def _long_fields() -> Iterator[None]:
    before = csv.field_size_limit(2 * check.LONGEST)
    try:
        yield
    finally:
        csv.field_size_limit(before)
