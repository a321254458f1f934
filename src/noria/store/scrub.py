"""All that is written in the records, looked through and changed where it must be; nothing of the old stays."""

import subprocess
import sys
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import JSON, Connection, String, Table, Text, and_, delete, select, update

from noria.errors import StoreUnavailable
from noria.store.engine import Store, _explained
from noria.store.tables import memo, metadata, output, run, step_run

KEPT = (
    "audit",
    "audit_head",
    "erasure",
    "erased",
    "amended",
    "learned",
    "token",
    "hold",
)  # no row's value is in them; the log
AT_ONCE = 1_000  # rows in memory
READ = "import sys; sys.stdout.buffer.write(open(sys.argv[1], 'rb').read())"
TRIES = 10  # to empty the write-ahead log beside readers, each as long as SQLite waits

Change = Callable[[Any], Any]


@dataclass(frozen=True, slots=True)
class Left:
    """An artifact that a step left."""

    step_run: int
    run: str
    step: str
    name: str
    digest: str
    media: str


def left(connection: Connection, lifecycle: str) -> list[Left]:
    """All artifacts on record of a lifecycle's runs."""
    query = select(
        output.c.step_run_id, step_run.c.run_id, step_run.c.step, output.c.name, output.c.digest, output.c.media
    )
    joined = query.join(step_run, step_run.c.id == output.c.step_run_id).join(run, run.c.id == step_run.c.run_id)
    return [Left(*row) for row in connection.execute(joined.where(run.c.lifecycle == lifecycle))]


def change(connection: Connection, by: Change) -> int:
    """Put every text and every JSON value through a function; how many rows it changed.

    A row is removed whose key would be another one, if a row of that key is there already.
    """
    return sum(_change_table(connection, table, by) for table in metadata.sorted_tables if table.name not in KEPT)


def texts(connection: Connection) -> Iterator[str]:
    """Every text in the records, those within JSON values too."""
    yield from texts_of(connection, metadata.sorted_tables)


def texts_of(connection: Connection, tables: Iterable[Table]) -> Iterator[str]:
    """Every text in some tables."""
    for table in tables:
        columns = [column for column in table.c if _is_written(column)]
        for row in connection.execute(select(*columns), execution_options={"yield_per": AT_ONCE}):
            for value in row:
                yield from texts_in(value)


def not_again(connection: Connection, digests: Collection[str]) -> None:
    """No later run takes the results of steps that left one of these artifacts: they are computed again."""
    query = select(output.c.step_run_id, output.c.digest)
    steps = {row.step_run_id for row in connection.execute(query) if row.digest in digests}
    for id in sorted(steps):
        connection.execute(update(step_run).where(step_run.c.id == id).values(fingerprint=None))


def forget_glances(connection: Connection) -> None:
    """The next run looks again at all there is."""
    connection.execute(delete(memo).where(memo.c.kind == "glance"))


def vacuum(store: Store) -> None:
    """Write the database anew, so that no page on disk holds what a row held once.

    Raises
    ------
    StoreUnavailable
        If readers hold an older state of it all the time.
    """
    options = {"isolation_level": "AUTOCOMMIT"} if store.engine.dialect.name == "postgresql" else {}
    with _explained(store.engine), store.engine.connect().execution_options(**options) as connection:
        if connection.dialect.name == "postgresql":
            for table in metadata.sorted_tables:
                connection.exec_driver_sql(f'VACUUM FULL "{table.name}"')
            return
        connection.exec_driver_sql("PRAGMA secure_delete=ON")
        connection.exec_driver_sql("VACUUM")
        for _ in range(TRIES):
            busy = connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)").scalar()
            if not busy:
                return
    raise StoreUnavailable(
        "the database's log cannot be emptied: others read it all the time",
        where=store.url,
        do="End them, then type the same command again.",
    )


def is_of_database(store: Store, file: Path) -> bool:
    """Whether a file is one that SQLite keeps the records in."""
    url = store.engine.url
    if url.get_backend_name() != "sqlite" or not url.database:
        return False
    base = Path(url.database)
    return file.name.startswith(base.name) and file.parent.resolve() == base.parent.resolve()


def read_beside(file: Path) -> bytes:
    """The bytes of a database's file, read by another process.

    Closing a file ends all locks that the process holds on it (POSIX), SQLite's too: who opens the database next would
    take it for one that nobody uses, and begin its log anew under the feet of this process.

    Raises
    ------
    OSError
        If it cannot be read.
    """
    words = [sys.executable, "-I", "-S", "-c", READ, str(file)]
    done = subprocess.run(words, capture_output=True, check=False)
    if done.returncode != 0:
        raise OSError(f"{file} cannot be read: {done.stderr.decode(errors='replace')[-200:]}")
    return done.stdout


def _is_written(column: Any) -> bool:
    return isinstance(column.type, String | Text | JSON)


def _change_table(connection: Connection, table: Table, by: Change) -> int:
    columns = [column for column in table.c if _is_written(column)]
    changed: list[tuple[Mapping[str, Any], dict[str, Any]]] = []
    for row in connection.execute(select(table), execution_options={"yield_per": AT_ONCE}).mappings():
        values = {column.name: by(row[column.name]) for column in columns}
        other = {name: value for name, value in values.items() if value != row[name]}
        if other:
            changed.append((dict(row), other))
    for old, other in changed:
        _write(connection, table, old, other)
    return len(changed)


def _write(connection: Connection, table: Table, old: Mapping[str, Any], other: Mapping[str, Any]) -> None:
    keys = list(table.primary_key.columns)
    here = and_(*(column == old[column.name] for column in keys))
    if any(column.name in other for column in keys):
        there = and_(*(column == other.get(column.name, old[column.name]) for column in keys))
        if connection.execute(select(*keys).where(there)).first():
            connection.execute(delete(table).where(here))
            return
    connection.execute(update(table).where(here).values(**other))


def texts_in(value: Any) -> Iterator[str]:
    """Every text in plain data, names too."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for name, one in value.items():
            yield str(name)
            yield from texts_in(one)
    elif isinstance(value, list | tuple):
        for one in value:
            yield from texts_in(one)
