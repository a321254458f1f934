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
TRIES = 5  # to commit beside others
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
    marked = frame.with_columns(pl.lit(batch).alias(BATCH), pl.int_range(pl.len(), dtype=pl.Int64).alias(ROW))
    once = CommitProperties(app_transactions=[Transaction(app_id=batch, version=ONCE)])
    for tries_left in reversed(range(TRIES)):
        try:
            table = _open(path) or _made(path, fitting(path, marked))
            if table.transaction_version(batch) is not None:
                return
            # The table as it was when the batch was not in it: Delta refuses if somebody added the batch meanwhile.
            rows = fitting(path, marked).to_arrow()
            write_deltalake(table, rows, mode="append", schema_mode="merge", commit_properties=once)
            return
        except (CommitFailedError, DeltaError, OSError) as error:
            if has(path, batch):  # another collector wrote the same batch at the same moment
                return
            if not tries_left or not isinstance(error, CommitFailedError):
                raise StoreUnavailable(
                    f"the batch cannot be written: {str(error).splitlines()[0][:200]}",
                    where=path,
                    do="Free space or see to the folder, then run the same command again; nothing is lost.",
                ) from error


def _made(path: str, frame: pl.DataFrame) -> DeltaTable:
    """An empty table for such rows. Made apart from the first batch: of two that create a table with rows in it, both
    would succeed."""
    return DeltaTable.create(path, schema=frame.to_arrow().schema, mode="ignore", partition_by=[BATCH])


def fitting(path: str, frame: pl.DataFrame) -> pl.DataFrame:
    """The frame as the table holds it: its columns in the table's types.

    Raises
    ------
    BadInput
        If a value would not be the same in the table's type.
    """
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
            casts.append(_cast(frame[name], want))
        except pl.exceptions.PolarsError as error:
            raise BadInput(
                f"column {name} is {kind} here and {want} in the earlier batches",
                where=Path(path).name,
                do="Correct the file, or collect it under another lifecycle name.",
            ) from error
    return _without_null_type(frame.with_columns(casts))


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


def _cast(values: pl.Series, want: pl.DataType) -> pl.Series:
    """The same values in another type; a Polars error if one is not the same."""
    if values.dtype == pl.String and isinstance(want, pl.datatypes.TemporalType) and values.null_count() < len(values):
        return values.str.strptime(want, strict=True)
    if values.dtype == pl.String and want == pl.Boolean:
        return values.str.to_lowercase().replace_strict({"true": True, "false": False}, return_dtype=pl.Boolean)
    if values.dtype.is_numeric() and want.is_temporal():
        raise pl.exceptions.InvalidOperationError("a number is no time")
    found = values.cast(want, strict=True)
    if want == pl.String or values.dtype == pl.String:
        return found
    if not found.cast(values.dtype, strict=True).eq_missing(values).all():
        raise pl.exceptions.InvalidOperationError("values would change")
    return found


def _without_null_type(frame: pl.DataFrame) -> pl.DataFrame:
    """Columns without any value get the type of text: Delta has no type for nothing."""
    return frame.with_columns(pl.col(name).cast(pl.String) for name, kind in frame.schema.items() if kind == pl.Null)


def version_of(path: str) -> int:
    """The number of the table's newest commit; −1 if there is no table."""
    table = _open(path)
    return -1 if table is None else table.version()
