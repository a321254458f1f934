"""Some rows, out of a table and out of the files on disk, its history included.

The files that hold such rows are written anew without them and replaced in one commit. A table's log keeps, of every
file there ever was, the least and greatest value of its columns; and who reads an earlier version is led to the files
of then. So the history is amended: where an older entry of the log adds a file that was replaced, it adds from now on
the file in its place. Entries keep their numbers and times: no writer can take a number twice, and an earlier version
reads as it was, without those rows.
"""

import json
import os
import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import polars as pl
from deltalake.exceptions import CommitFailedError, DeltaError
from deltalake.transaction import AddAction

from noria.data import looked as looks
from noria.data import parquet, table
from noria.data.looked import Looked
from noria.data.merge import MERGED
from noria.data.table import BATCH, ROW
from noria.errors import Damaged, StoreUnavailable

TRIES = 20  # to commit beside others
MADE = "amended-"  # how the names of files begin that were written in place of others


def holds(column: str, values: Collection[str], kind: pl.DataType) -> pl.Expr:
    """Whether a cell, as text, is one of these; a number also if it is written otherwise, such as 7.0 for 7."""
    same = pl.col(column).cast(pl.String).is_in(list(values))
    numbers = [number for number in map(_number, values) if number is not None] if kind.is_numeric() else []
    found = same | pl.col(column).cast(pl.Float64).is_in(numbers) if numbers else same
    return found.fill_null(value=False)


def names(text: str) -> list[str]:
    """All that a key may have been called which is written like this in a table: 7.0 was 7 to who typed it."""
    number = _number(text)
    whole = number is not None and number.is_integer() and abs(number) < 1e15
    return [text, str(int(number))] if whole and number is not None else [text]


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


def find(path: str, column: str, values: Collection[str], looked: Looked | None = None) -> dict[str, pl.DataFrame]:
    """The rows whose ``column`` is one of these texts, by batch; with the columns that each arrived with.

    Parameters
    ----------
    looked
        What was found in files before: one in which there was nothing is not read again.
    """
    opened = table._open(path)
    if opened is None or not values:
        return {}
    looked = {} if looked is None else looked
    found = {}
    for batch, files in sorted(table._files(opened).items()):
        parts = [_matching(Path(path) / unquote(file), column, values, looked) for file in files]
        rows = pl.concat([part for part in parts if part is not None] or [pl.DataFrame()], how="diagonal")
        if rows.height:
            found[batch] = rows
    return found


def _matching(file: Path, column: str, values: Collection[str], looked: Looked) -> pl.DataFrame | None:
    key = looks.key(file, column, values)
    if looked.get(key) is False:
        return None
    rows = _rows(file)
    kind = rows.collect_schema().get(column)
    found = None if kind is None else rows.filter(holds(column, values, kind)).collect(engine="streaming")
    looked[key] = found is not None and found.height > 0
    return found


def strip(path: str, column: str, values: Collection[str], *, mine: bool, looked: Looked | None = None) -> None:
    """Take the rows whose ``column`` is one of these texts out of a table, its history and its folder.

    Doing it again finishes what was begun, and changes nothing else. Some rows at a time are in memory.

    Parameters
    ----------
    mine
        True if nobody writes to the table meanwhile: files that were never committed are removed too.
    looked
        What was found in files before, as ``find`` has it.

    Raises
    ------
    StoreUnavailable
        If the table cannot be written, or others commit to it all the time.
    """
    if table._open(path) is None or not values:
        return
    looked = {} if looked is None else looked
    try:
        for tries_left in reversed(range(TRIES)):
            try:
                _replace(path, column, values, looked)
                break
            except CommitFailedError:
                if not tries_left:
                    raise
        _amend_history(path)
        _clear(path, column, values, looked, mine=mine)
    except (DeltaError, OSError, pl.exceptions.PolarsError) as error:
        raise StoreUnavailable(
            f"rows cannot be erased: {(str(error).splitlines() or [type(error).__name__])[0][:200]}",
            where=path,
            do="See to the folder, then type the same command again; it goes on where it stopped.",
        ) from error


def _replace(path: str, column: str, values: Collection[str], looked: Looked) -> None:
    """Write the files anew that hold such rows, and replace them in one commit."""
    opened = table._open(path)
    assert opened is not None, "the caller looked"
    held = table._files(opened)
    touched = {
        batch: files
        for batch, files in held.items()
        if any(_any(Path(path) / unquote(file), column, values, looked) for file in files)
    }
    if not touched:
        return
    made = [_rewritten(path, batch, file, column, values) for batch, files in touched.items() for file in files]
    opened.create_write_transaction(
        [_added(path, batch, file) for batch, file in made],
        "overwrite",
        opened.schema(),
        [BATCH],
        partition_filters=[(BATCH, "in", list(touched))],
    )
    parquet.sync(Path(path) / "_delta_log")


def _any(file: Path, column: str, values: Collection[str], looked: Looked) -> bool:
    key = looks.key(file, column, values)
    if key not in looked:
        rows = _rows(file)
        kind = rows.collect_schema().get(column)
        held = None if kind is None else rows.select(holds(column, values, kind).any()).collect(engine="streaming")
        looked[key] = held is not None and bool(held.item())
    return looked[key]


def _rows(file: Path) -> pl.LazyFrame:
    """The rows themselves: what a file says of its least and greatest values may be wrong."""
    return pl.scan_parquet(file, hive_partitioning=False, use_statistics=False)


def _rewritten(path: str, batch: str, name: str, column: str, values: Collection[str]) -> tuple[str, Path]:
    """A file without such rows; the others keep their numbers, which an adopted file does not hold."""
    source, place = Path(path) / unquote(name), "_place"
    rows = _rows(source)
    kinds = rows.collect_schema()
    target = source.with_name(f"{MADE}{os.urandom(8).hex()}.parquet")
    number = pl.col(place).cast(pl.Int64)
    numbered = rows.with_row_index(place).with_columns(
        (pl.coalesce(ROW, number) if ROW in kinds else number).alias(ROW)
    )
    kept = numbered.drop(place)
    if column in kinds:
        kept = kept.filter(~holds(column, values, kinds[column]))
    with parquet.or_nothing(target):
        kept.sink_parquet(target)
        parquet.sync(target)
    parquet.sync(target.parent)
    return batch, target


def _added(path: str, batch: str, file: Path) -> AddAction:
    return AddAction(
        path=f"{file.parent.relative_to(path)}/{file.name}",
        size=file.stat().st_size,
        partition_values={BATCH: batch},
        modification_time=int(time.time() * 1000),
        data_change=True,
        stats=json.dumps(parquet.statistics(file)),
    )


def _amend_history(path: str) -> None:
    """Let older entries of the log add what is in the place of files that are gone; older checkpoints go."""
    opened = table._open(path)
    assert opened is not None, "the caller looked"
    log, newest = Path(path) / "_delta_log", opened.version()
    live = dict(_live(opened))
    for entry in sorted(log.glob("*.json")):
        if entry.stem.isdecimal():
            _amend(entry, live)
    if any(_checkpoints(log, newest)):
        opened.create_checkpoint()
        parquet.sync(log)
        for old in _checkpoints(log, newest):
            old.unlink(missing_ok=True)
    for left in log.glob(f"*.{MADE}part"):
        left.unlink(missing_ok=True)


def _checkpoints(log: Path, newest: int) -> Iterator[Path]:
    for file in [*log.glob("*.checkpoint*"), *log.glob("*.crc"), *log.glob("_sidecars/*")]:
        number = file.name.partition(".")[0]
        if not number.isdecimal() or int(number) < newest:
            yield file


def _live(opened: Any) -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """By batch, the files that are the table now, as the log's entries say it."""
    rows = pl.DataFrame(opened.get_add_actions(flatten=False))
    paths = set(rows["path"].to_list())
    log = Path(opened.table_uri.removeprefix("file://")) / "_delta_log"
    said: dict[str, dict[str, Any]] = {}
    for entry in sorted(log.glob("*.json")):
        for action in _actions(entry):
            if "add" in action and unquote(action["add"]["path"]) in {unquote(one) for one in paths}:
                said[unquote(action["add"]["path"])] = action["add"]
    found: dict[str, list[dict[str, Any]]] = {}
    for add in said.values():
        found.setdefault(add["partitionValues"][BATCH], []).append(add)
    yield from found.items()


def _actions(entry: Path) -> list[dict[str, Any]]:
    try:
        return [json.loads(line) for line in entry.read_text().splitlines() if line.strip()]
    except ValueError as error:
        raise Damaged(f"an entry of the log cannot be read: {error}", where=str(entry), do="Restore it.") from error


def _amend(entry: Path, live: Mapping[str, Sequence[dict[str, Any]]]) -> None:
    actions = _actions(entry)
    amended = list(_amended(actions, live))
    if amended == actions:
        return
    held = entry.stat()
    part = entry.with_suffix(f".{MADE}part")
    with part.open("w") as file:
        file.writelines(json.dumps(action, separators=(",", ":")) + "\n" for action in amended)
        file.flush()
        os.fsync(file.fileno())
    os.utime(part, ns=(held.st_atime_ns, held.st_mtime_ns))  # the time of a commit is that of its file
    parquet.put(part, entry)


def _amended(
    actions: Sequence[dict[str, Any]], live: Mapping[str, Sequence[dict[str, Any]]]
) -> Iterator[dict[str, Any]]:
    taken: set[str] = set()
    for action in actions:
        add = action.get("add")
        if add is None:
            yield action
            continue
        now = live.get(add["partitionValues"].get(BATCH), [])
        if add["path"] in [one["path"] for one in now]:
            taken.add(add["path"])
            yield action
        elif len(now) == 1 and now[0]["path"] not in taken:
            taken.add(now[0]["path"])
            yield {"add": {**now[0], "dataChange": add.get("dataChange", True)}}
        elif len(now) != 1:  # nothing stands in its place: what it held is told by its name alone
            yield {"add": {**add, "stats": None}}


def _clear(path: str, column: str, values: Collection[str], looked: Looked, *, mine: bool) -> None:
    """Remove the files that are no part of the table any more, if they hold such rows."""
    opened = table._open(path)
    assert opened is not None, "the caller looked"
    live = {unquote(file) for files in table._files(opened).values() for file in files}
    gone = set() if mine else set(_removed(Path(path) / "_delta_log"))
    for file in Path(path).glob(f"{BATCH}=*/*"):
        name = str(file.relative_to(path))
        # a merge that was under way fails as it commits, for it would replace what was replaced here
        if name in live or not (mine or unquote(name) in gone or file.parent.name.startswith(f"{BATCH}={MERGED}")):
            continue
        if file.name.startswith(MADE) or not file.name.endswith(".parquet") or _holds(file, column, values, looked):
            file.unlink(missing_ok=True)
            parquet.sync(file.parent)


def _removed(log: Path) -> Iterator[str]:
    for entry in log.glob("*.json"):
        yield from (unquote(action["remove"]["path"]) for action in _actions(entry) if "remove" in action)


def _holds(file: Path, column: str, values: Collection[str], looked: Looked) -> bool:
    try:
        return _any(file, column, values, looked)
    except pl.exceptions.PolarsError:  # a file that was never completed: nobody can read it, and bytes are in it
        return True
