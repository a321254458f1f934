"""Rows that come piece by piece become one Parquet file: no more of them in memory at a time than a piece."""

from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path

import polars as pl

from noria.data import parquet
from noria.errors import StoreUnavailable

ROWS = 1 << 16  # of a Parquet file in memory at a time

Pieces = Generator[pl.DataFrame, None, None]
Mend = Callable[[pl.DataFrame], pl.DataFrame]


def kept(pieces: Pieces, folder: Path) -> list[Path]:
    """Each piece as a file in a new folder; where they come from is closed, whatever happens."""
    folder.mkdir()
    files = []
    with closing(pieces):
        for number, piece in enumerate(pieces):
            files.append(folder / f"piece-{number:06}.parquet")
            _write(piece, files[-1])
    return files


def fitted(file: Path, folder: Path, fits: Mend) -> Path:
    """A Parquet file's rows in other types, in a new file in a new folder.

    Raises
    ------
    polars.exceptions.PolarsError
        If a piece cannot be read.
    """
    files = kept((fits(piece) for piece in pl.scan_parquet(file).collect_batches(chunk_size=ROWS)), folder)
    return joined(files, lambda frame: frame)


def schema(files: Sequence[Path]) -> pl.Schema:
    """All columns of the pieces, in the types that their values have in common.

    Raises
    ------
    polars.exceptions.PolarsError
        If there is no such type.
    """
    empty = [pl.DataFrame(schema=kinds) for kinds in {tuple(parquet.schema(file).items()): 0 for file in files}]
    return pl.concat(empty, how="diagonal_relaxed").schema


def rows(files: Sequence[Path]) -> pl.LazyFrame:
    """The rows of all pieces, in order."""
    kinds = schema(files)
    return pl.concat([_under(pl.scan_parquet(file), parquet.schema(file), kinds) for file in files])


def joined(files: Sequence[Path], mend: Mend) -> Path:
    """One file with the rows of all pieces after ``mend``, which looks at values only where it changes their types.

    The pieces are gone afterwards.
    """
    kinds = schema(files)
    wanted = mend(pl.DataFrame(schema=kinds)).schema
    for file in files:
        if parquet.schema(file) != wanted:
            _write(mend(_under(pl.scan_parquet(file), parquet.schema(file), kinds).collect()), file)
    whole = files[0].with_name("whole.parquet")
    with _space(whole.parent):
        pl.scan_parquet(list(files)).sink_parquet(whole)
    for file in files:
        file.unlink()
    return whole


def _under(rows: pl.LazyFrame, has: pl.Schema, kinds: pl.Schema) -> pl.LazyFrame:
    return rows.select(
        pl.col(name).cast(kind) if name in has else pl.lit(None, dtype=kind).alias(name) for name, kind in kinds.items()
    )


def _write(piece: pl.DataFrame, file: Path) -> None:
    with _space(file.parent):
        piece.write_parquet(file, compression="lz4")


@contextmanager
def _space(folder: Path) -> Iterator[None]:
    """Whatever keeps a file from being written, in one sentence."""
    try:
        yield
    except (OSError, pl.exceptions.ComputeError) as error:
        raise StoreUnavailable(
            f"rows cannot be written while they are collected: {(str(error).splitlines() or [''])[0][:160]}",
            where=str(folder),
            do="Free space or see to the folder, then run the same command again; nothing is lost.",
        ) from error
