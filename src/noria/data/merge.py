"""Small files of a table made few, while others append, read and erase.

A flush every few seconds leaves thousands of small files a day. Files of one size are joined by the dozen, so a row is
written anew a few times at most. The commit is one that Delta refuses if a file it replaces was replaced meanwhile, by
another merge or an erasure: then nothing happens. Each row of a merged file tells by which commit it arrived, so what
the table held at an earlier commit can be told without the files of then; those stay an hour, for who is reading them.
"""

import json
import os
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import unquote
from uuid import uuid4

import polars as pl
from deltalake import DeltaTable
from deltalake.exceptions import CommitFailedError, DeltaError
from deltalake.transaction import AddAction

from noria.data import parquet, table
from noria.data.table import BATCH, ROW
from noria.errors import StoreUnavailable

COMMIT = "_commit"  # of a row in a merged file: the number of the commit that it arrived by
MERGED = "merged-"  # how the batches of merged files begin
MANY = 16  # files of one size
SIZES = (1 << 20, 1 << 24)  # bytes: below the first, below the second; larger files stay as they are
OLD_S = 12 * 3600  # after which a file is merged however few there are: before the log forgets by which commit it came
READING_S = 3600  # that a file which was replaced stays
PROPERTIES = {
    "delta.logRetentionDuration": "interval 2 days",  # of thousands of commits a day
    "delta.enableExpiredLogCleanup": "false",  # only after a merge, when nothing needs it any more
    "delta.setTransactionRetentionDuration": "interval 90 days",  # until which a spool must be carried on
}


@dataclass(frozen=True, slots=True)
class File:
    """One file of the table. ``commit``: the one it came by; None: its rows tell it themselves."""

    batch: str
    path: str
    size: int
    at: float
    commit: int | None


def merge(path: str) -> int:
    """Join what small files have become many, and remove those that were joined long ago; the number of files joined.

    Whoever else changes the same files at the same time, one of the two does it.

    Raises
    ------
    StoreUnavailable
        If the table cannot be read or written; it is as it was.
    """
    opened = table._open(path)
    if opened is None:
        return 0
    try:
        joined = 0
        for files in _due(_files(opened, path), time.time()):
            opened = _prepared(opened)
            _join(opened, path, files)
            opened = DeltaTable(path)
            joined += len(files)
        if joined:
            _forget(opened, path)
        return joined
    except CommitFailedError:  # somebody else changed these files: the next time will do
        return 0
    except (DeltaError, OSError, pl.exceptions.PolarsError) as error:
        raise StoreUnavailable(
            f"small files cannot be merged: {(str(error).splitlines() or [type(error).__name__])[0][:200]}",
            where=path,
            do="Free space or see to the folder; nothing is lost.",
        ) from error


def arrived(path: str) -> pl.Expr:
    """For rows as ``table.whole`` gives them, the number of the commit that each arrived by."""
    commits = commits_of(path)
    least = min(commits.values(), default=0)  # of what the log has forgotten
    came = pl.col(BATCH).replace_strict(commits, default=least, return_dtype=pl.Int64) if commits else pl.lit(0)
    return pl.coalesce(COMMIT, came) if COMMIT in table.columns(path) else came


def commits_of(path: str) -> dict[str, int]:
    """The commit by which each batch came that the log still tells of; what was written anew came when it first did."""
    found: dict[str, int] = {}
    for number, action in _log(path, b'"add"'):
        if "add" in action:
            found.setdefault(action["add"]["partitionValues"].get(BATCH), number)
    return found


def _log(path: str, word: bytes) -> Iterator[tuple[int, dict[str, Any]]]:
    """The actions of the log's entries in which the word stands, in order, with the entry's number."""
    for entry in sorted((Path(path) / "_delta_log").glob("*.json")):
        if not entry.stem.isdecimal():
            continue
        with suppress(FileNotFoundError):  # it was forgotten meanwhile
            data = entry.read_bytes()
            yield from ((int(entry.stem), json.loads(line)) for line in data.splitlines() if word in line)


def _files(opened: DeltaTable, path: str) -> list[File]:
    """In the order in which they came."""
    held = pl.DataFrame(opened.get_add_actions(flatten=True)).select(
        f"partition.{BATCH}", "path", "size_bytes", pl.col("modification_time").dt.epoch("ms")
    )
    alone = held.filter(pl.len().over(f"partition.{BATCH}") == 1)  # a batch is replaced as a whole
    commits = commits_of(path)
    found = [
        File(batch, unquote(name), size, at / 1000, None if batch.startswith(MERGED) else commits.get(batch, 0))
        for batch, name, size, at in alone.iter_rows()
    ]
    return sorted(found, key=lambda one: (one.commit is not None, one.commit or 0, one.at))


def _due(files: list[File], now: float) -> list[list[File]]:
    """What is to be joined with what."""
    found, low = [], 0
    for high in SIZES:
        level = [one for one in files if low <= one.size < high]
        if len(level) >= MANY:
            found.append(level)
        low = high
    taken = {one.path for level in found for one in level}
    old = [one for one in files if one.commit is not None and now - one.at > OLD_S and one.path not in taken]
    return [*found, old] if old else found


def _prepared(opened: DeltaTable) -> DeltaTable:
    """The table with the column and the properties that merging needs."""
    if COMMIT in {field.name for field in opened.schema().fields}:
        return opened
    opened.alter.set_table_properties(PROPERTIES, raise_if_not_exists=False)
    opened.update_incremental()
    return table._widened(opened, pl.Schema({COMMIT: pl.Int64()}))


def _join(opened: DeltaTable, path: str, files: list[File]) -> None:
    """Write the rows of files into one, in the same order, and put it in their place in one commit."""
    batch = f"{MERGED}{uuid4().hex}"
    target = Path(path) / f"{BATCH}={batch}" / f"{os.urandom(8).hex()}.parquet"
    target.parent.mkdir()
    with parquet.or_nothing(target):
        _rows(path, files, pl.Schema(pl.scan_delta(opened).collect_schema())).sink_parquet(target)
        parquet.sync(target)
        parquet.sync(target.parent)
        parquet.sync(Path(path))
    try:
        _commit(opened, batch, target, files)
    finally:
        if str(target.relative_to(path)) not in _live(path):
            _delete(target)
    table.sync_log(path)


def _commit(opened: DeltaTable, batch: str, file: Path, files: list[File]) -> None:
    """As an overwrite: Delta refuses the second of two that replace the same file."""
    made = AddAction(
        path=f"{file.parent.name}/{file.name}",
        size=file.stat().st_size,
        partition_values={BATCH: batch},
        modification_time=int(time.time() * 1000),
        data_change=False,
        stats=json.dumps(parquet.statistics(file)),
    )
    replaced = [(BATCH, "in", sorted({one.batch for one in files}))]
    opened.create_write_transaction([made], "overwrite", opened.schema(), [BATCH], partition_filters=replaced)


def _live(path: str) -> set[str]:
    return {unquote(file) for files in table._files(DeltaTable(path)).values() for file in files}


def _rows(path: str, files: list[File], kinds: pl.Schema) -> pl.LazyFrame:
    parts = []
    for one in files:
        file = Path(path) / one.path
        rows = pl.scan_parquet(file, hive_partitioning=False)
        has = rows.collect_schema()
        came = pl.col(COMMIT) if one.commit is None else pl.lit(one.commit, pl.Int64)
        parts.append(
            rows.select(
                (came if name == COMMIT else pl.col(name).cast(kind) if name in has else pl.lit(None, kind)).alias(name)
                for name, kind in kinds.items()
                if name not in (BATCH, ROW)
            )
        )
    return pl.concat(parts).with_row_index(ROW).with_columns(pl.col(ROW).cast(pl.Int64))


def _forget(opened: DeltaTable, path: str) -> None:
    """Remove files that were replaced long ago and what merges that died left, and the log's oldest entries."""
    live = _live(path)
    long_ago = time.time() - READING_S
    for name, gone in _removed(path).items():
        file = Path(path) / name
        if name not in live and gone < long_ago and file.exists():
            _delete(file)
    for file in Path(path).glob(f"{BATCH}={MERGED}*/*"):
        if str(file.relative_to(path)) not in live and file.stat().st_mtime < long_ago:
            _delete(file)
    opened.cleanup_metadata()


def _removed(path: str) -> Mapping[str, float]:
    return {
        unquote(action["remove"]["path"]): action["remove"]["deletionTimestamp"] / 1000
        for _, action in _log(path, b'"remove"')
        if "remove" in action
    }


def _delete(file: Path) -> None:
    file.unlink(missing_ok=True)
    if not any(file.parent.iterdir()):
        file.parent.rmdir()
