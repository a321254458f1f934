"""The hash chain: every decision, who made it, why, and what it changed."""

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

from sqlalchemy import Connection, insert, select, text

from noria.clock import Clock
from noria.digest import Digest
from noria.store.tables import audit

FIRST = "0" * 64
LOCK = 0x61756469  # "audi": one writer at a time on PostgreSQL; SQLite's write lock does it there


@dataclass(frozen=True, slots=True)
class Entry:
    """One decision. ``hash`` covers all other fields, ``previous`` is the hash of the entry before."""

    number: int
    at: str
    actor: str
    action: str
    subject: str
    before: Any
    after: Any
    reason: str
    previous: str
    hash: str

    def computed(self) -> str:
        """The hash this entry should have."""
        fields = asdict(self)
        del fields["hash"]
        return Digest.of_json(fields).hex


def record(
    connection: Connection,
    clock: Clock,
    *,
    actor: str,
    action: str,
    subject: str,
    before: Any = None,
    after: Any = None,
    reason: str = "",
) -> Entry:
    """Append one entry in the caller's transaction."""
    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": LOCK})
    last = connection.execute(select(audit.c.number, audit.c.hash).order_by(audit.c.number.desc()).limit(1)).first()
    number, previous = (last.number + 1, last.hash) if last else (1, FIRST)
    at = clock.now().isoformat()
    draft = Entry(number, at, actor, action, subject, before, after, reason, previous, "")
    fields = {**asdict(draft), "hash": draft.computed()}
    connection.execute(insert(audit).values(**fields))
    return Entry(**fields)


def entries(connection: Connection) -> Iterator[Entry]:
    """All entries, oldest first."""
    for row in connection.execute(select(audit).order_by(audit.c.number)).mappings():
        yield Entry(**row)


def problems(connection: Connection) -> Iterator[str]:
    """A sentence for every entry that was altered, removed or moved; nothing if the chain holds."""
    number, previous = 0, FIRST
    for entry in entries(connection):
        if entry.number != number + 1:
            yield f"Entry {number + 1} is missing: after {number} comes {entry.number}."
        elif entry.previous != previous:
            yield f"Entry {entry.number} does not follow from entry {number}."
        if entry.computed() != entry.hash:
            yield f"Entry {entry.number} was altered: its content does not have its hash."
        number, previous = entry.number, entry.hash
