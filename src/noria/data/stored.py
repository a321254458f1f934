"""The rows of the Parquet files that a table holds, with all of its columns.

Each file's footer is read before any row is: left to itself, Polars gives no rows, and no error, of a Delta table in
which a file ends too early.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import unquote

import polars as pl

from noria.data import parquet
from noria.errors import Damaged


def rows(path: str, files: Sequence[str], kinds: pl.Schema, given: Mapping[str, str]) -> pl.LazyFrame:
    """The rows of files, one after the other.

    Parameters
    ----------
    path, files
        Folder of the table, and the files' places in it as its log writes them.
    kinds
        The table's columns; those that a file does not have are missing in its rows.
    given
        Columns whose values the files' places tell.

    Raises
    ------
    Damaged
        If a file is gone or not whole.
    """
    return pl.concat([_widened(Path(path) / unquote(file), kinds, given) for file in files])


@contextmanager
def readable(where: str) -> Iterator[None]:
    """Whatever readers say of damaged files, as ``Damaged``; of some, Polars panics."""
    try:
        yield
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException, OSError) as error:
        cause = (str(error).splitlines() or [type(error).__name__])[0][:160]
        do = "See 'noria data verify', and restore the table from a backup."
        raise Damaged(f"the rows cannot be read: {cause}", where=where, do=do) from error


def _widened(file: Path, kinds: pl.Schema, given: Mapping[str, str]) -> pl.LazyFrame:
    with readable(str(file)):
        has = parquet.schema(file)
    return pl.scan_parquet(file, hive_partitioning=False).select(
        pl.lit(given.get(name), kind).alias(name) if name in given or name not in has else pl.col(name).cast(kind)
        for name, kind in kinds.items()
    )
