"""Parquet files as files: their columns, their statistics, and a durable copy, without decoding a value."""

import errno
import os
import shutil
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import Any

import polars as pl

COUNTED = (int, date)  # whose least and greatest value are exact in a footer; texts may be cut, NaN is left out


def schema(path: Path) -> pl.Schema:
    """The columns of a file and their types.

    Raises
    ------
    polars.exceptions.PolarsError
        If it is not a whole Parquet file.
    """
    return pl.Schema(pl.read_parquet_schema(path))


def height(path: Path) -> int:
    """How many rows a file has, by its footer."""
    return int(pl.scan_parquet(path).select(pl.len()).collect().item())


def statistics(path: Path) -> dict[str, Any]:
    """Rows, missing values, least and greatest value by column, in Delta's words; what the footer lacks is left out."""
    footer = _footer(path)
    groups = [footer.row_group(n) for n in range(footer.num_row_groups)]
    missing: dict[str, int] = {}
    least: dict[str, Any] = {}
    most: dict[str, Any] = {}
    for n in range(footer.num_columns):
        name = footer.schema.column(n).path
        held = [group.column(n).statistics for group in groups]
        if any(one is None or not one.has_null_count for one in held):
            continue
        missing[name] = sum(one.null_count for one in held)
        values = [one for one in held if one.has_min_max]
        if values and all(one.has_min_max or one.null_count == one.num_values for one in held) and _counts(values[0]):
            least[name] = _plain(min(one.min for one in values))
            most[name] = _plain(max(one.max for one in values))
    return {"numRecords": footer.num_rows, "minValues": least, "maxValues": most, "nullCount": missing}


def _footer(path: Path) -> Any:
    from pyarrow import parquet  # takes as long to import as many a file to copy: beside that, if it can be

    return parquet.read_metadata(path)


def _counts(one: Any) -> bool:
    return isinstance(one.min, COUNTED) and type(one.min) in COUNTED


def _plain(value: Any) -> Any:
    return value.isoformat() if isinstance(value, date) else value


def largest_chunks(path: Path) -> Mapping[str, int]:
    """Bytes, decompressed, of each column's largest chunk: no value of the column is longer."""
    try:
        footer = _footer(path)
    except NotImplementedError:  # of types that Polars knows alone
        return {}
    found: dict[str, int] = {}
    for group in (footer.row_group(n) for n in range(footer.num_row_groups)):
        for chunk in (group.column(n) for n in range(group.num_columns)):
            name = chunk.path_in_schema
            found[name] = max(found.get(name, 0), chunk.total_uncompressed_size)
    return found


def nothing() -> None:
    """No objection."""


def copy(source: Path, target: Path, check: Callable[[], None], beside: Callable[[], None] = nothing) -> None:
    """The file's bytes under another name, on the disk when this returns; shared with the source where the file system
    can. ``target`` appears whole and after neither ``beside``, called while the bytes are copied, nor ``check``, called
    then, said anything against it; or not at all."""
    part = target.with_name(f"{target.name}.{os.getpid()}-{os.urandom(4).hex()}.part")
    with or_nothing(part):
        with ThreadPoolExecutor(1) as hand:
            copied = hand.submit(_copied, source, part)
            beside()
        copied.result()
        check()
    put(part, target)


def move(source: Path, target: Path) -> None:
    """The same for a file that is not needed where it is: renamed, where both are on one file system."""
    if source.stat().st_dev != target.parent.stat().st_dev:
        copy(source, target, nothing)
        return
    sync(source)
    put(source, target)


@contextmanager
def or_nothing(file: Path) -> Iterator[None]:
    """Remove the file if what makes it fails."""
    try:
        yield
    except BaseException:
        file.unlink(missing_ok=True)
        raise


def _copied(source: Path, target: Path) -> None:
    with source.open("rb") as reader, target.open("wb") as writer:
        try:
            while os.copy_file_range(reader.fileno(), writer.fileno(), 1 << 30):
                pass
        except OSError as error:
            if error.errno == errno.ENOSPC:
                raise
            reader.seek(0)  # file systems that do not know it between them
            writer.truncate(0)
            writer.seek(0)
            shutil.copyfileobj(reader, writer, 1 << 20)
            writer.flush()
        os.fsync(writer.fileno())


def put(part: Path, target: Path) -> None:
    """Give a file that is on the disk its name, durably."""
    part.rename(target)
    sync(target.parent)


def sync(path: Path) -> None:
    """Wait until a file or a folder is on the disk."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
