"""The hash chain: every decision, who made it, why, and what it changed."""

from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from hashlib import sha256
from json.encoder import encode_basestring as quoted
from typing import Any, NamedTuple

from sqlalchemy import Connection, func, insert, or_, select, text
from sqlalchemy.dialects import postgresql, sqlite

from noria.clock import Clock
from noria.digest import ENCODE
from noria.store.tables import audit, audit_head

FIRST = "0" * 64
AT_ONCE = 10_000  # entries in memory
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
        """The hash this entry should have: of all other fields as canonical JSON, spelled here in the fast way."""
        before, after = (_plain(value) for value in (self.before, self.after))
        return sha256(
            f'{{"action":{quoted(self.action)},"actor":{quoted(self.actor)},"after":{after},"at":{quoted(self.at)},'
            f'"before":{before},"number":{self.number},"previous":{quoted(self.previous)},'
            f'"reason":{quoted(self.reason)},"subject":{quoted(self.subject)}}}'.encode()
        ).hexdigest()


def _plain(value: Any) -> str:
    return "null" if value is None else ENCODE(value)


FIELDS = tuple(Entry.__slots__)


class Head(NamedTuple):
    """The newest entry: its number and hash."""

    number: int
    hash: str


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
    number, previous = _head(connection)
    at = clock.now().isoformat()
    draft = Entry(number + 1, at, actor, action, subject, before, after, reason, previous, "")
    fields = {**asdict(draft), "hash": draft.computed()}
    connection.execute(insert(audit).values(**fields))
    _move_head(connection, number + 1, fields["hash"])
    return Entry(**fields)


def entries(connection: Connection, since: int = 1, most: int | None = None) -> Iterator[Entry]:
    """All entries from a number on, or so many of them, oldest first."""
    query = select(*(audit.c[name] for name in FIELDS)).where(audit.c.number >= since).order_by(audit.c.number)
    query = query if most is None else query.limit(most)
    for row in connection.execute(query, execution_options={"yield_per": AT_ONCE}):
        yield Entry(*row)


def newest(connection: Connection, most: int) -> list[Entry]:
    """The newest entries, oldest first."""
    last = connection.execute(select(func.max(audit.c.number))).scalar() or 0
    return list(entries(connection, last - most + 1))


def about(connection: Connection, *beginnings: str) -> list[Entry]:
    """The entries whose subject begins so, such as ``model:loans``, oldest first."""
    query = select(*(audit.c[name] for name in FIELDS)).order_by(audit.c.number)
    found = connection.execute(query.where(or_(*(audit.c.subject.startswith(b, autoescape=True) for b in beginnings))))
    return [Entry(*row) for row in found]


def mark(connection: Connection, *beginnings: str) -> int:
    """The number of the newest entry whose subject begins so, or 0: what a person who decides has seen."""
    here = or_(*(audit.c.subject.startswith(one, autoescape=True) for one in beginnings))
    return connection.execute(select(func.max(audit.c.number)).where(here)).scalar() or 0


def hold(connection: Connection) -> None:
    """Until this transaction ends, nobody else puts an entry on record: what ``mark`` says stays true."""
    _head(connection)


def entry(connection: Connection, number: int) -> Entry | None:
    """One entry by its number."""
    row = connection.execute(select(*(audit.c[name] for name in FIELDS)).where(audit.c.number == number)).first()
    return Entry(*row) if row else None


def count(connection: Connection) -> int:
    return connection.execute(select(func.count()).select_from(audit)).scalar() or 0


def problems(connection: Connection, noted: Head | None = None) -> Iterator[str]:
    """A sentence for every entry that was altered, removed or moved; nothing if the chain holds.

    ``noted``: an entry as somebody noted it elsewhere, which must still be there.
    """
    yield from broken(entries(connection), _head(connection), noted=noted)


def broken(chain: Iterable[Entry], head: Head | None = None, *, noted: Head | None = None) -> Iterator[str]:
    """The same of entries from anywhere, such as an export; ``head``: the newest there must be, where that is known."""
    number, previous = 0, FIRST
    for entry in chain:
        if entry.number != number + 1:
            yield f"{_missing(number + 1, entry.number - 1)} missing: after {number} comes {entry.number}."
        elif entry.previous != previous:
            yield f"Entry {entry.number} does not follow from entry {number}."
        if entry.computed() != entry.hash:
            yield f"Entry {entry.number} was altered: its content does not have its hash."
        if noted is not None and entry.number == noted.number and entry.hash != noted.hash:
            yield f"Entry {entry.number} is not the one that was noted: the log was written anew."
        number, previous = entry.number, entry.hash
    if noted is not None and noted.number > number:
        which = _missing(number + 1, noted.number)
        yield f"{which} missing: entry {noted.number} was noted, and the log ends at {number}."
    if head is not None and head.number > number:
        yield f"{_missing(number + 1, head.number)} missing: the log ends at {number}."
    elif head is not None and head.hash != previous:
        yield f"Entry {number} is not the one that was written last."


def _missing(first: int, last: int) -> str:
    return f"Entry {first} is" if first >= last else f"Entries {first} to {last} are"


def _head(connection: Connection) -> Head:
    """The newest entry as it was written, whatever became of it; what comes next follows from it."""
    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": LOCK})
    last = connection.execute(select(audit_head.c.number, audit_head.c.hash)).first()
    return Head(last.number, last.hash) if last else Head(0, FIRST)


def _move_head(connection: Connection, number: int, hash: str) -> None:
    insert_ = postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
    values = {"number": number, "hash": hash}
    statement = insert_(audit_head).values(id=1, **values)
    connection.execute(statement.on_conflict_do_update(index_elements=["id"], set_=values))
