"""What is remembered to save work: always right to forget."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection, select
from sqlalchemy.dialects import postgresql, sqlite

from noria.store.tables import memo


def recall(connection: Connection, kind: str) -> dict[str, Any]:
    """Everything remembered of a kind, by key."""
    return {row.key: row.value for row in connection.execute(select(memo).where(memo.c.kind == kind))}


def remember(connection: Connection, kind: str, values: Mapping[str, Any]) -> None:
    """Keep values by key, in place of what was there."""
    insert = postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
    for key, value in values.items():
        statement = insert(memo).values(kind=kind, key=key, value=value)
        connection.execute(statement.on_conflict_do_update(index_elements=["kind", "key"], set_={"value": value}))
