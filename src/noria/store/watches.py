"""Watches: who watches a lifecycle, by a lease; what has to outlive that process; what a person asks of it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, select, update
from sqlalchemy.dialects import postgresql, sqlite

from noria import owner
from noria.clock import Clock
from noria.errors import UserError
from noria.store.tables import watch

LEASE = timedelta(seconds=60)


@dataclass(frozen=True, slots=True)
class Watch:
    """``term`` is the fencing token: only the holder of the newest may write."""

    lifecycle: str
    file: str
    term: int
    owner: str | None
    lease_until: datetime | None
    state: Mapping[str, Any]
    asked: Mapping[str, str] | None


def get(connection: Connection, lifecycle: str) -> Watch | None:
    """The watch of a lifecycle, if there ever was one."""
    row = connection.execute(select(watch).where(watch.c.lifecycle == lifecycle)).mappings().first()
    return Watch(**row) if row else None


def of_file(connection: Connection, file: str) -> Watch | None:
    """The watch of a lifecycle file, known by its full path."""
    row = connection.execute(select(watch).where(watch.c.file == file)).mappings().first()
    return Watch(**row) if row else None


def all(connection: Connection) -> list[Watch]:
    """All watches there ever were, by lifecycle."""
    return [Watch(**row) for row in connection.execute(select(watch).order_by(watch.c.lifecycle)).mappings()]


def claim(connection: Connection, clock: Clock, lifecycle: str, file: str) -> Watch:
    """Take the watch over a lifecycle.

    Raises
    ------
    UserError
        If a process that lives holds it.
    """
    held = get(connection, lifecycle)
    if held is None:
        insert_ = postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
        made = {"lifecycle": lifecycle, "file": file, "term": 0, "state": {}}
        connection.execute(insert_(watch).values(**made).on_conflict_do_nothing())
        held = get(connection, lifecycle)
    if held is None:
        raise LookupError(lifecycle)
    if is_held(held, clock):
        raise UserError(
            f"{lifecycle} is being watched by {held.owner}",
            where=held.file,
            do="One watch is enough; end that one first.",
        )
    changed = connection.execute(
        update(watch)
        .where(watch.c.lifecycle == lifecycle, watch.c.term == held.term)
        .values(file=file, term=held.term + 1, owner=owner.me(), lease_until=clock.now() + LEASE)
    )
    if changed.rowcount != 1:
        raise UserError(f"{lifecycle} is being watched by another process", where=file, do="One watch is enough.")
    return Watch(lifecycle, file, held.term + 1, owner.me(), clock.now() + LEASE, held.state, held.asked)


def is_held(one: Watch, clock: Clock) -> bool:
    """Whether its process lives: on this machine that is known at once, of another when its lease has run out. A lease
    that is longer than any is of a clock that was wrong."""
    if one.owner is None or one.lease_until is None or owner.is_gone(one.owner):
        return False
    return clock.now() < one.lease_until <= clock.now() + 2 * LEASE


def renew(connection: Connection, clock: Clock, one: Watch) -> bool:
    """Lengthen the lease; False if another process has taken over."""
    return _write(connection, one, lease_until=clock.now() + LEASE)


def keep(connection: Connection, one: Watch, state: Mapping[str, Any]) -> bool:
    """Keep what has to outlive the process; False if another has taken over."""
    return _write(connection, one, state=dict(state))


def release(connection: Connection, one: Watch) -> None:
    """Let it go; what was kept stays."""
    _write(connection, one, owner=None, lease_until=None)


def ask(connection: Connection, lifecycle: str, *, id: str, reason: str, actor: str) -> bool:
    """Ask for a turn; False if nobody ever watched this lifecycle. The newest request counts."""
    values = {"id": id, "reason": reason, "actor": actor}
    changed = connection.execute(update(watch).where(watch.c.lifecycle == lifecycle).values(asked=values))
    return changed.rowcount == 1


def answered(connection: Connection, one: Watch, id: str) -> None:
    """Forget a request that a turn has answered, unless a newer one has come."""
    now = get(connection, one.lifecycle)
    if now is not None and now.asked is not None and now.asked.get("id") == id:
        _write(connection, one, asked=None)


def _write(connection: Connection, one: Watch, **values: Any) -> bool:
    where = (watch.c.lifecycle == one.lifecycle, watch.c.term == one.term)
    return connection.execute(update(watch).where(*where).values(**values)).rowcount == 1
