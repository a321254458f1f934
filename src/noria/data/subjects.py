"""Which batches hold rows of a subject: an index of keyed hashes beside each table, that forgets as the table does.

For each file of a table there is one file of the index, ``_subjects/NAME.npy``: the distinct subjects of its rows, as
64-bit hashes under a secret, in order. It is derived: made where it is missing, and made anew by another version of
Polars, whose hashes are promised within one only. An index whose file is no part of the table is removed: a file that
was written without a subject's rows has another name, so that nothing of the subject stays (``docs/design/010``).
"""

import os
from pathlib import Path
from urllib.parse import unquote

import numpy as np
import polars as pl
from numpy.typing import NDArray

from noria.data import erase, parquet, table
from noria.digest import Digest

FOLDER = "_subjects"  # Delta leaves alone what begins like this


def rows(path: str, column: str, key: str, seed: int) -> dict[str, list[int]]:
    """By batch, which of its rows are about a subject, counted from 0: of files that the index names, read in the rows
    themselves."""
    found: dict[str, list[int]] = {}
    for batch, file in holding(path, column, key, seed):
        numbers = _numbers(file, column, key)
        if numbers:
            found.setdefault(batch, []).extend(numbers)
    return found


def holding(path: str, column: str, key: str, seed: int) -> list[tuple[str, Path]]:
    """The files that hold a subject's rows, with their batches; one in 10¹⁴ may name it without holding any."""
    opened = table._open(path)
    if opened is None:
        return []
    files = [(batch, file) for batch, held in sorted(table._files(opened).items()) for file in held]
    wanted = _hashes(pl.Series(erase.names(key)), seed)
    spelled = _spelled(path, column, key)
    wanted = np.union1d(wanted, _hashes(pl.Series(spelled, dtype=pl.String), seed))
    return [
        (batch, Path(path) / unquote(file))
        for batch, file in files
        if _holds(_of_file(Path(path), file, column, seed), wanted)
    ]


def build(path: str, column: str, seed: int) -> None:
    """Make the index of every file that has none, and remove those of files that are gone."""
    opened = table._open(path)
    if opened is None:
        return
    for files in table._files(opened).values():
        for file in files:
            _of_file(Path(path), file, column, seed)
    tidy(path)


def tidy(path: str) -> None:
    """Remove the index of every file that is no part of the table any more."""
    folder, opened = Path(path) / FOLDER, table._open(path)
    if opened is None or not folder.is_dir():
        return
    live = {_stem(file) for files in table._files(opened).values() for file in files}
    for one in folder.iterdir():
        if one.name.partition(".")[0] not in live:
            one.unlink(missing_ok=True)
    parquet.sync(folder)


def _spelled(path: str, column: str, key: str) -> list[str]:
    """A number as the column's type writes it."""
    kind = table.columns(path).get(column)
    number = erase._number(key)
    if kind is None or not kind.is_numeric() or number is None:
        return []
    return [one for one in pl.Series([number]).cast(kind, strict=False).cast(pl.String) if one is not None]


def _stem(file: str) -> str:
    return Digest.of(unquote(file).encode()).hex[:24]


def _place(path: Path, file: str, column: str, seed: int) -> Path:
    """The key of the index is in its name: another secret, column or version of Polars is another index."""
    made = Digest.of_json([column, str(seed), pl.__version__]).hex[:16]
    return path / FOLDER / f"{_stem(file)}.{made}.npy"


def _of_file(path: Path, file: str, column: str, seed: int) -> NDArray[np.uint64]:
    place = _place(path, file, column, seed)
    if place.exists():
        held: NDArray[np.uint64] = np.load(place, mmap_mode="r")
        return held
    data = pl.scan_parquet(path / unquote(file), hive_partitioning=False)
    if column in data.collect_schema():
        distinct = data.select(pl.col(column).cast(pl.String)).unique().collect(engine="streaming").to_series()
        found = np.unique(_hashes(distinct.drop_nulls(), seed))
    else:
        found = np.empty(0, dtype=np.uint64)
    _keep(place, found)
    return found


def _keep(place: Path, found: NDArray[np.uint64]) -> None:
    place.parent.mkdir(exist_ok=True)
    part = place.with_name(f"{place.name.partition('.')[0]}.{os.getpid()}-{os.urandom(4).hex()}.part")
    with parquet.or_nothing(part), part.open("wb") as target:
        np.save(target, found)
    part.rename(place)


def _hashes(values: pl.Series, seed: int) -> NDArray[np.uint64]:
    return values.hash(seed).to_numpy()


def _holds(index: NDArray[np.uint64], wanted: NDArray[np.uint64]) -> bool:
    if not len(index):
        return False
    places = np.minimum(np.searchsorted(index, wanted), len(index) - 1)
    return bool((index[places] == wanted).any())


def _numbers(file: Path, column: str, key: str) -> list[int]:
    """The numbers of a subject's rows; an adopted file holds none, and its rows are numbered as they come."""
    data = pl.scan_parquet(file, hive_partitioning=False)
    kinds = data.collect_schema()
    if column not in kinds:
        return []
    number = pl.col(table.ROW) if table.ROW in kinds else pl.int_range(pl.len(), dtype=pl.Int64)
    own = data.select(number.alias(table.ROW), erase.holds(column, [key], kinds[column]).alias("own"))
    found: list[int] = own.filter("own").select(table.ROW).collect(engine="streaming").to_series().to_list()
    return found
