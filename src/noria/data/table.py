"""The only file that knows Delta: one table a dataset, one partition a batch."""

import json
import os
import shutil
import time
from collections.abc import Callable, Sequence
from heapq import nlargest
from pathlib import Path
from urllib.parse import unquote

import polars as pl
from deltalake import CommitProperties, DeltaTable, Schema, Transaction
from deltalake.exceptions import CommitFailedError, DeltaError, TableNotFoundError
from deltalake.transaction import AddAction

from noria.data import parquet, stored
from noria.data.fitting import fitted, settled
from noria.digest import Digest
from noria.errors import Damaged, StoreUnavailable

BATCH, ROW = "_batch", "_row"
RESERVED = (BATCH, ROW)
VERSION, VARIANT, WEIGHT = "_version", "_variant", "_weight"
MARKS = (VERSION, VARIANT, WEIGHT)  # of a row that is an answer which was served: by whom, and how much it counts
BOOKKEEPING = (*RESERVED, *MARKS)  # no column of these is content
TRIES = 5  # to commit beside others
ABANDONED_S = 7 * 86_400  # after which rows that were not committed are not on their way any more
COMMITS = 100  # more than others could have made meanwhile
ONCE = 1  # the version number of a batch's application transaction: a batch is written one time


def append(path: str, batch: str, frame: pl.DataFrame) -> None:
    """Add a batch's rows as one partition, in one commit; doing it again changes nothing.

    Parameters
    ----------
    path
        Folder of the table; made if it is not there.
    batch
        Id of the batch, also the id of the Delta application transaction that makes this idempotent.

    Raises
    ------
    BadInput
        If a column's type does not fit the table's.
    StoreUnavailable
        If the table cannot be written.
    """

    def write(folder: Path) -> Path:
        # Two that write the same rows may write other bytes: each has a file of its own, and one is committed.
        target = _fresh(folder)
        numbered = fitting(path, frame).with_columns(pl.int_range(pl.len(), dtype=pl.Int64).alias(ROW))
        with parquet.or_nothing(target):
            numbered.write_parquet(target)
            parquet.sync(target)
        parquet.sync(folder)
        return target

    _once(path, batch, lambda: settled(frame).schema, write)


def adopt(
    path: str,
    batch: str,
    file: Path,
    *,
    digest: str,
    check: Callable[[], None] = parquet.nothing,
    beside: Callable[[], None] = parquet.nothing,
) -> None:
    """Add a Parquet file as one partition as it is: copied, not decoded. Its rows are numbered when they are read.

    Parameters
    ----------
    file
        A file that ``adoptable`` said yes to.
    digest
        Of its content; names the copy, so that one which was made before a process died is used.
    check
        Called before a copy counts; raises if the file is no longer what its digest says.
    beside
        Called while it is copied; raises if the file is not to be adopted.

    Raises
    ------
    StoreUnavailable
        If the table cannot be written.
    """

    def write(folder: Path) -> Path:
        target = folder / f"{digest}.parquet"
        if not target.exists():
            parquet.copy(file, target, check, beside)
        return target

    _once(path, batch, lambda: parquet.schema(file), write)


def place(path: str, batch: str, file: Path) -> None:
    """Add a Parquet file that was made for the table, and that ``adoptable`` said yes to: it is moved.

    Raises
    ------
    StoreUnavailable
        If the table cannot be written.
    """
    held = [file]

    def write(folder: Path) -> Path:
        target = _fresh(folder)
        parquet.move(held[0], target)
        held[0] = target
        return target

    _once(path, batch, lambda: parquet.schema(held[0]), write)


def _fresh(folder: Path) -> Path:
    return folder / f"{os.urandom(8).hex()}.parquet"


def adoptable(path: str, file: Path) -> bool:
    """True if a Parquet file's columns are of the table's types, so that its bytes can be a part of the table."""
    schema = parquet.schema(file)
    empty = pl.DataFrame(schema=schema)
    held = columns(path)
    return settled(empty).schema == schema and all(held.get(name, kind) == kind for name, kind in schema.items())


def _once(path: str, batch: str, schema: Callable[[], pl.Schema], write: Callable[[Path], Path]) -> None:
    """Commit the file that ``write`` makes as a batch, unless the batch is there."""
    file = None
    folder = Path(path) / f"{BATCH}={batch}"
    for tries_left in reversed(range(TRIES)):
        try:
            table = _open(path) or _made(path, schema())
            if table.transaction_version(batch) is not None:
                _tidy(folder, _files(table).get(batch))
                return
            folder.mkdir(parents=True, exist_ok=True)
            file = write(folder)
            _commit(_widened(table, schema()), batch, file)
            _tidy(folder, [f"{folder.name}/{file.name}"])
            _sweep(path, table)
            return
        except (CommitFailedError, DeltaError, OSError, pl.exceptions.ComputeError) as error:
            held = _open(path)
            if held is not None and held.transaction_version(batch) is not None:
                _tidy(folder, _files(held).get(batch))  # another collector wrote it at the same moment
                return
            if not tries_left or not isinstance(error, CommitFailedError):
                if file is not None:
                    file.unlink(missing_ok=True)
                raise StoreUnavailable(
                    f"the batch cannot be written: {str(error).splitlines()[0][:200]}",
                    where=path,
                    do="Free space or see to the folder, then run the same command again; nothing is lost.",
                ) from error


def _commit(table: DeltaTable, batch: str, file: Path) -> None:
    """Make a file in its place a part of the table: Delta refuses if somebody added the batch since ``table`` was
    read, in which it was not."""
    stats = parquet.statistics(file)
    stats["nullCount"].setdefault(ROW, stats["numRecords"])
    made = AddAction(
        path=f"{file.parent.name}/{file.name}",
        size=file.stat().st_size,
        partition_values={BATCH: batch},
        modification_time=int(time.time() * 1000),
        data_change=True,
        stats=json.dumps(stats),
    )
    once = CommitProperties(app_transactions=[Transaction(batch, ONCE, last_updated=made.modification_time)])
    table.create_write_transaction([made], "append", table.schema(), [BATCH], commit_properties=once)
    parquet.sync(file.parent.parent / "_delta_log")


def _tidy(folder: Path, kept: Sequence[str] | None) -> None:
    """Remove what killed or slower writers of the same batch left: the batch is committed, so theirs never will be.

    None: its rows stand in a merged file by now; what it had is left to those who are reading it.
    """
    if kept is None:
        return
    for other in folder.iterdir():
        if f"{folder.name}/{other.name}" not in kept:
            other.unlink(missing_ok=True)


def _sweep(path: str, table: DeltaTable) -> None:
    """Remove what collectors left that died before their commit, of batches that nobody brought again: only long
    after, for a batch that is not in the table may be on its way into it."""
    long_ago, held = time.time() - ABANDONED_S, _files(table)
    for folder in Path(path).glob(f"{BATCH}=*"):
        batch = folder.name.partition("=")[2]
        if batch in held or folder.stat().st_mtime > long_ago or table.transaction_version(batch) is not None:
            continue
        if all(file.stat().st_mtime < long_ago for file in folder.iterdir()):
            shutil.rmtree(folder, ignore_errors=True)


def _made(path: str, schema: pl.Schema) -> DeltaTable:
    """An empty table for such rows. Made apart from the first batch: of two that create a table with rows in it, both
    would succeed."""
    columns = Schema.from_arrow(pl.Schema({**schema, BATCH: pl.String(), ROW: pl.Int64()}))
    return DeltaTable.create(path, schema=columns, mode="ignore", partition_by=[BATCH])


def _widened(table: DeltaTable, schema: pl.Schema) -> DeltaTable:
    """The table with the columns that arrive for the first time."""
    held = {field.name for field in table.schema().fields}
    fresh = pl.Schema({name: kind for name, kind in schema.items() if name not in held})
    if fresh:
        table.alter.add_columns(list(Schema.from_arrow(fresh).fields))
        table.update_incremental()
    return table


def fitting(path: str, frame: pl.DataFrame) -> pl.DataFrame:
    """The frame as the table holds it: its columns in the table's types.

    Raises
    ------
    BadInput
        If a value would not be the same in the table's type, or a column's type cannot be kept.
    """
    return fitted(frame, columns(path), Path(path).name)


def columns(path: str) -> pl.Schema:
    """The columns of a table and their types, ``_batch`` and ``_row`` among them; none if there is no table."""
    table = _open(path)
    return pl.Schema() if table is None else pl.scan_delta(table).collect_schema()


def has(path: str, batch: str) -> bool:
    """True if the table holds that batch."""
    table = _open(path)
    return table is not None and table.transaction_version(batch) is not None


def scan(path: str, batches: Sequence[str]) -> pl.LazyFrame:
    """The rows of these batches, in this order, with ``_batch`` and ``_row``.

    Raises
    ------
    Damaged
        If a batch is not in the table, or a file of it is gone or not whole.
    """
    table = _open(path)
    files = _held(path, table, batches)
    kinds = columns(path)
    return pl.concat(
        [
            _numbered(stored.rows(path, files[batch], kinds, {BATCH: batch}), sort=not _in_order(files[batch]))
            for batch in batches
        ]
    )


def whole(path: str) -> pl.LazyFrame:
    """All rows, with ``_batch`` and ``_row``, in no order.

    Raises
    ------
    Damaged
        If a file is gone or not whole.
    """
    table = DeltaTable(path)
    kinds = pl.Schema(pl.scan_delta(table).collect_schema())
    found = [stored.rows(path, files, kinds, {BATCH: batch}) for batch, files in _files(table).items()]
    return pl.concat(found) if found else pl.LazyFrame(schema=kinds)


def own(path: str, batch: str) -> pl.LazyFrame:
    """A batch's rows with the columns that it arrived with, not those that the table has from others; in no order.

    Raises
    ------
    Damaged
        If the batch is not in the table.
    """
    return all_own(path, [batch])[batch]


def all_own(path: str, batches: Sequence[str]) -> dict[str, pl.LazyFrame]:
    """``own`` of each of several batches."""
    files = _held(path, _open(path), batches)
    return {batch: _plain(path, files[batch]) for batch in batches}


def _held(path: str, table: DeltaTable | None, batches: Sequence[str]) -> dict[str, list[str]]:
    files = {} if table is None else _files(table)
    missing = [batch for batch in batches if batch not in files]
    if missing:
        raise Damaged(f"the table does not hold batch {', '.join(missing)}", where=path, do="Restore it from a backup.")
    return files


def _plain(path: str, files: Sequence[str]) -> pl.LazyFrame:
    rows = pl.scan_parquet([Path(path) / unquote(file) for file in files], hive_partitioning=False)
    return rows.drop(RESERVED, strict=False)


def _in_order(files: Sequence[str]) -> bool:
    """True of a batch that is one file as it was written or adopted here: its rows come in order."""
    return len(files) == 1 and "/part-" not in files[0]


def _files(table: DeltaTable) -> dict[str, list[str]]:
    """The files of each batch, by their places in the table's folder."""
    return dict(
        pl.DataFrame(table.get_add_actions(flatten=True)).group_by(f"partition.{BATCH}").agg("path").iter_rows()
    )


def _numbered(rows: pl.LazyFrame, *, sort: bool) -> pl.LazyFrame:
    """A batch's rows in order. In an adopted file, which holds no numbers, the place of a row is its number: who
    writes such a batch anew, without some of its rows, writes the numbers with it."""
    place = "_place"
    number = pl.coalesce(ROW, pl.col(place).cast(pl.Int64)).alias(ROW)
    numbered = rows.with_row_index(place).with_columns(number).drop(place)
    return numbered.sort(ROW) if sort else numbered


def rows_digest(frame: pl.DataFrame) -> str:
    """Digest of the multiset of rows: the order of rows does not count, that of columns neither."""
    columns = sorted(set(frame.columns) - set(RESERVED))
    lines = frame.select(pl.struct(columns).struct.json_encode().sort()).to_series()
    return Digest.of("\n".join(lines.to_list()).encode()).hex


def _open(path: str) -> DeltaTable | None:
    try:
        return DeltaTable(path)
    except TableNotFoundError:
        return None
    except (DeltaError, OSError) as error:
        raise Damaged(
            f"the Delta table cannot be read: {str(error).splitlines()[0][:200]}", where=path, do="Restore it."
        ) from error


def sync_log(path: str) -> None:
    """Wait until the table's last commits and their names are on the disk: Delta's log is written without that."""
    log = Path(path) / "_delta_log"
    for commit in nlargest(COMMITS, log.glob("*.json")):
        parquet.sync(commit)
    parquet.sync(log)


def version_of(path: str) -> int:
    """The number of the table's newest commit; −1 if there is no table."""
    table = _open(path)
    return -1 if table is None else table.version()
