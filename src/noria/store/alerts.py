"""What to tell whom."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, select
from sqlalchemy.dialects import postgresql, sqlite

from noria.store.tables import alert


@dataclass(frozen=True, slots=True)
class Sent:
    """An alert on record."""

    id: str
    lifecycle: str
    run_id: str | None
    step: str | None
    severity: str
    what: str
    where: str
    evidence: Any
    do: str
    at: datetime


def add(connection: Connection, sent: Sent) -> bool:
    """Keep an alert; the same id again changes nothing. True if it is new."""
    insert = postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
    values = {name: getattr(sent, name) for name in Sent.__slots__}
    return connection.execute(insert(alert).values(**values).on_conflict_do_nothing()).rowcount == 1


def newest(connection: Connection, lifecycle: str | None = None, most: int = 50) -> Iterator[Sent]:
    """Alerts, newest first."""
    query = select(alert).order_by(alert.c.at.desc(), alert.c.id).limit(most)
    if lifecycle is not None:
        query = query.where(alert.c.lifecycle == lifecycle)
    for row in connection.execute(query).mappings():
        yield Sent(**row)
