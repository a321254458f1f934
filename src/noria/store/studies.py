"""The journal of a search that several machines share: entries that are only ever added, in one order for all."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, delete, func, insert, select

from noria.store.tables import study_log


def append(connection: Connection, study: str, entries: Sequence[Any]) -> None:
    """Add entries after all that are there; who adds at the same moment waits."""
    if connection.dialect.name == "postgresql":  # SQLite has one writer at a time
        connection.execute(select(func.pg_advisory_xact_lock(func.hashtext(f"noria study {study}"))))
    last = connection.execute(select(func.max(study_log.c.number)).where(study_log.c.study == study)).scalar()
    first = 0 if last is None else last + 1
    rows = [{"study": study, "number": first + place, "entry": entry} for place, entry in enumerate(entries)]
    if rows:
        connection.execute(insert(study_log), rows)


def read(connection: Connection, study: str, start: int) -> list[Any]:
    """All entries from that number on, in order."""
    query = select(study_log.c.entry).where(study_log.c.study == study, study_log.c.number >= start)
    return list(connection.execute(query.order_by(study_log.c.number)).scalars())


def drop(connection: Connection, study: str) -> None:
    """Forget a search whose result is kept elsewhere; forgetting it again changes nothing."""
    connection.execute(delete(study_log).where(study_log.c.study == study))
