"""Rows of a query by ADBC: columns from the database's driver, not values one by one."""

from contextlib import closing
from importlib import import_module
from typing import Any

import polars as pl
import pyarrow as pa

from noria.collect.config import ADBC
from noria.collect.pieces import Pieces
from noria.errors import BadInput, StoreUnavailable

ROWS = 100_000  # in memory: SQLite's driver hands over a thousand at a time
DRIVERS = {"postgresql": "adbc_driver_postgresql", "sqlite": "adbc_driver_sqlite"}


def rows(backend: str, uri: str, query: str, address: str) -> Pieces:
    """What a query selects, a piece at a time, in the order of the query.

    Parameters
    ----------
    backend
        ``postgresql`` or ``sqlite``.
    query
        With its values in it: given parameters, the drivers would hold all rows in memory.
    address
        The database for messages, without a password.

    Raises
    ------
    BadInput
        If there is no such driver, or the query is refused.
    StoreUnavailable
        If the database cannot be reached, or goes away before all rows were read.
    """
    driver = _driver(backend)
    try:
        with closing(driver.connect(uri)) as connection, closing(connection.cursor()) as cursor:
            cursor.execute(query)
            yield from _pieces(cursor.fetch_record_batch())
    except driver.ProgrammingError as error:
        raise BadInput(f"the query is refused: {_first(error)}", where=address, do="Correct it.") from error
    except (driver.Error, pa.ArrowException, OSError) as error:
        raise StoreUnavailable(
            f"the database {address} cannot be read: {_first(error)}",
            where=" ".join(query.split())[:60],
            do="See to it, then run the same command again; nothing is lost.",
        ) from error


def _driver(backend: str) -> Any:
    if backend not in DRIVERS:
        raise BadInput(f"there is no ADBC driver for {backend}", where=ADBC, do=f"Leave {ADBC!r} out of the URL.")
    try:
        return import_module(f"{DRIVERS[backend]}.dbapi")
    except ImportError as error:
        raise BadInput("reading by ADBC takes its drivers", where=str(error), do="pip install 'noria[adbc]'") from error


def _pieces(reader: pa.RecordBatchReader) -> Pieces:
    held: list[pa.RecordBatch] = []
    for batch in reader:
        held.append(batch)
        if sum(one.num_rows for one in held) >= ROWS:
            yield _frame(held, reader.schema)
            held = []
    if held:
        yield _frame(held, reader.schema)


def _frame(batches: list[pa.RecordBatch], schema: pa.Schema) -> pl.DataFrame:
    whole = pa.Table.from_batches(batches, schema)
    return pl.DataFrame([_column(field, whole.column(n)) for n, field in enumerate(schema)])


def _column(field: pa.Field, values: pa.ChunkedArray) -> pl.Series:
    """What PostgreSQL's driver hands over as texts, such as ``numeric``, as what it is."""
    if not isinstance(field.type, pa.OpaqueType):
        return pl.Series(field.name, values)
    texts = pl.Series(field.name, values.cast(field.type.storage_type))
    if field.type.type_name != "numeric":
        return texts
    places = texts.str.split(".").list.get(1, null_on_oob=True).str.len_bytes().max()
    return texts.str.to_decimal(scale=int(str(places or 0)))


def _first(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0][:200]
