"""The only file that knows Delta: one table a dataset, one partition a batch."""

from collections.abc import Sequence
from pathlib import Path

import polars as pl
from deltalake import CommitProperties, DeltaTable, Transaction, write_deltalake
from deltalake.exceptions import CommitFailedError, DeltaError, TableNotFoundError

from noria.digest import Digest
from noria.errors import BadInput, Damaged, StoreUnavailable

BATCH, ROW = "_batch", "_row"
RESERVED = (BATCH, ROW)
ONCE = 1  # the version number of a batch's application transaction: a batch is written one time


def append(path: str, batch: str, frame: pl.DataFrame) -> None:
    """Add a batch's rows as one partition, in one commit; doing it again changes nothing.

    Parameters
    ----------
    path
        Folder or URL of the table; made if it is not there.
    batch
        Id of the batch, also the id of the Delta application transaction that makes this idempotent.

    Raises
    ------
    BadInput
        If a column's type does not fit the table's.
    StoreUnavailable
        If the table cannot be written.
    """
    if has(path, batch):
        return
    marked = frame.with_columns(pl.lit(batch).alias(BATCH), pl.int_range(pl.len(), dtype=pl.Int64).alias(ROW))
    marked = _fitting(path, marked)
    for last_try in (False, False, True):
        try:
            write_deltalake(
                path,
                marked.to_arrow(),
                mode="append",
                partition_by=[BATCH],
                schema_mode="merge",
                commit_properties=CommitProperties(app_transactions=[Transaction(app_id=batch, version=ONCE)]),
            )
            return
        except (CommitFailedError, DeltaError, OSError) as error:
            if has(path, batch):  # another collector wrote the same batch at the same moment
                return
            if last_try or not isinstance(error, CommitFailedError):
                raise StoreUnavailable(
                    f"the batch cannot be written: {str(error).splitlines()[0][:200]}",
                    where=path,
                    do="Free space or see to the folder, then run the same command again; nothing is lost.",
                ) from error


def has(path: str, batch: str) -> bool:
    """True if the table holds that batch."""
    table = _open(path)
    return table is not None and table.transaction_version(batch) is not None


def scan(path: str, batches: Sequence[str]) -> pl.LazyFrame:
    """The rows of these batches, in this order, with ``_batch`` and ``_row``.

    Raises
    ------
    Damaged
        If a batch is not in the table.
    """
    table = _open(path)
    missing = [batch for batch in batches if table is None or table.transaction_version(batch) is None]
    if table is None or missing:
        raise Damaged(f"the table does not hold batch {', '.join(missing)}", where=path, do="Restore it from a backup.")
    rows = pl.scan_delta(table)
    return pl.concat([rows.filter(pl.col(BATCH) == batch).sort(ROW) for batch in batches], how="vertical")


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


def _fitting(path: str, frame: pl.DataFrame) -> pl.DataFrame:
    """The frame with its columns cast to the table's types where no value changes."""
    if not (Path(path) / "_delta_log").exists() and "://" not in path:
        return _without_null_type(frame)
    table = _open(path)
    if table is None:
        return _without_null_type(frame)
    schema = pl.scan_delta(table).collect_schema()
    casts = []
    for name, kind in frame.schema.items():
        want = schema.get(name, kind)
        if want == kind:
            continue
        try:
            casts.append(frame[name].cast(want, strict=True))
        except pl.exceptions.PolarsError as error:
            raise BadInput(
                f"column {name} is {kind} here and {want} in the earlier batches",
                where=Path(path).name,
                do="Correct the file, or collect it under another lifecycle name.",
            ) from error
    return _without_null_type(frame.with_columns(casts))


def _without_null_type(frame: pl.DataFrame) -> pl.DataFrame:
    """Columns without any value get the type of text: Delta has no type for nothing."""
    return frame.with_columns(pl.col(name).cast(pl.String) for name, kind in frame.schema.items() if kind == pl.Null)


def version_of(path: str) -> int:
    """The number of the table's newest commit; −1 if there is no table."""
    table = _open(path)
    return -1 if table is None else table.version()
