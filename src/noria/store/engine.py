"""SQLite and PostgreSQL: connect, transact, migrate."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from time import monotonic, sleep

from sqlalchemy import Connection, Engine, create_engine, event, inspect, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, OperationalError

from noria.errors import StoreUnavailable, UserError

BUSY_MS = 30_000  # how long SQLite waits for another writer
AGAIN_S = 0.01


@dataclass(frozen=True, slots=True)
class Store:
    """The metadata store. ``begin`` is the only way to it: one transaction, committed at the end or not at all."""

    engine: Engine

    @contextmanager
    def begin(self) -> Iterator[Connection]:
        """One transaction that may write.

        On SQLite it takes the write lock at once, so two of them never deadlock.

        Raises
        ------
        StoreUnavailable
            If the database is locked, corrupt, full, or out of reach.
        """
        with _explained(self.engine), self.engine.connect() as connection, connection.begin():
            if connection.dialect.name == "sqlite":
                connection.exec_driver_sql("BEGIN IMMEDIATE")
            yield connection

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """One transaction that only reads; it never waits for writers."""
        with _explained(self.engine), self.engine.connect() as connection, connection.begin():
            if connection.dialect.name == "sqlite":
                connection.exec_driver_sql("BEGIN")
            yield connection

    @property
    def url(self) -> str:
        """The database's address without its password."""
        return self.engine.url.render_as_string(hide_password=True)

    def close(self) -> None:
        self.engine.dispose()


def open_store(url: str) -> Store:
    """Connect, and create or upgrade the tables.

    Raises
    ------
    UserError
        If the URL is not one of a database.
    StoreUnavailable
        If the database cannot be used, or was written by a newer noria.
    """
    store = unopened(url)
    _migrate(store)
    return store


def unopened(url: str) -> Store:
    """A store that is looked for when it is first asked: for who must start while it is away, after who migrated it.

    Raises
    ------
    UserError
        If the URL is not one of a database.
    """
    try:
        parsed = make_url(url)
    except ArgumentError as error:
        raise UserError(
            f"{url!r} is not a database URL", where="NORIA_DB", do="Write for example sqlite:///noria.db."
        ) from error
    if parsed.get_backend_name() not in ("sqlite", "postgresql"):
        raise UserError(
            f"{parsed.get_backend_name()} is no database that noria keeps its records in",
            where="NORIA_DB",
            do="Write sqlite:///FILE or postgresql://USER@HOST/NAME.",
        )
    if parsed.get_backend_name() == "sqlite" and parsed.database:
        _folder_for(Path(parsed.database))
    if parsed.drivername == "postgresql":
        url = parsed.set(drivername="postgresql+psycopg").render_as_string(hide_password=False)
    return Store(_connect(url))


def _folder_for(path: Path) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(
            f"the folder cannot be written: {error.strerror}",
            where=str(path.parent),
            do="Set NORIA_HOME to a folder that you may write.",
        ) from error


def _connect(url: str) -> Engine:
    if not url.startswith("sqlite"):
        return create_engine(url, pool_pre_ping=True)
    engine = create_engine(url, connect_args={"timeout": BUSY_MS / 1000})

    @event.listens_for(engine, "connect")
    def prepare(connection, record) -> None:  # type: ignore[no-untyped-def]
        connection.isolation_level = None  # noria says BEGIN itself: sqlite3 would start a transaction too late
        cursor = connection.cursor()
        for pragma in (f"busy_timeout={BUSY_MS}", "synchronous=NORMAL", "foreign_keys=ON"):
            cursor.execute(f"PRAGMA {pragma}")
        _write_ahead(cursor)
        cursor.close()

    return engine


def _write_ahead(cursor: sqlite3.Cursor) -> None:
    """Let readers and one writer not wait for each other.

    Of several who do this to a new file at once all but one are told that it is locked: SQLite does not wait here.
    """
    until = monotonic() + BUSY_MS / 1000
    while True:
        try:
            cursor.execute("PRAGMA journal_mode=WAL")
            return
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode != sqlite3.SQLITE_BUSY or monotonic() > until:
                raise
        sleep(AGAIN_S)


def _migrate(store: Store) -> None:
    from noria.store.migrations import HEAD

    with _explained(store.engine):
        with store.engine.connect() as connection:
            revision = _revision(connection)
        if revision == HEAD:
            return
        from noria.store.migrations.upgrade import KNOWN, upgrade

        if revision is not None and revision not in KNOWN:
            raise StoreUnavailable(
                f"the database was written by a newer noria (revision {revision})",
                where=_where(store.engine),
                do="Upgrade noria.",
            )
        upgrade(store.engine)


def _revision(connection: Connection) -> str | None:
    if not inspect(connection).has_table("alembic_version"):
        return None
    return connection.execute(text("SELECT version_num FROM alembic_version")).scalar()


@contextmanager
def _explained(engine: Engine) -> Iterator[None]:
    try:
        yield
    except OperationalError as error:
        cause = str(error.orig).splitlines()[0]
        raise StoreUnavailable(f"the database says: {cause}", where=_where(engine), do=_advice(cause)) from error
    except DBAPIError as error:
        if any(sign in str(error.orig) for sign in ("not a database", "malformed")):
            raise StoreUnavailable(
                f"the database is damaged: {error.orig}",
                where=_where(engine),
                do="Restore it from a backup; noria changed nothing.",
            ) from error
        raise


def _where(engine: Engine) -> str:
    return engine.url.render_as_string(hide_password=True)


def _advice(cause: str) -> str:
    for sign, advice in ADVICE.items():
        if sign in cause:
            return advice
    return "See that it runs and can be reached, then run the same command again; finished work is kept."


ADVICE = {
    "locked": "Another process holds it; wait for it or end it, then run the same command again.",
    "readonly": "Make the file writable, or set NORIA_HOME to a folder that you may write.",
    "unable to open": "See that the folder exists and may be written, or set NORIA_HOME.",
    "full": "Free disk space, then run the same command again; finished work is kept.",
    "disk I/O": "See to the disk, then run the same command again; finished work is kept.",
}
