"""Batches that arrived, versions made of them, tags on versions."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, delete, func, insert, or_, select, update
from sqlalchemy.dialects import postgresql, sqlite

from noria.clock import Clock
from noria.digest import Digest
from noria.errors import NotFound
from noria.store import audit
from noria.store.tables import batch, tag, version


@dataclass(frozen=True, slots=True)
class Batch:
    """One immutable increment; ``bytes`` is the size of its source, ``profile`` the digest of the artifact with its
    statistics, once validation has made them; ``rows_digest`` is what ``noria.data.version`` says of its rows."""

    id: str
    dataset: str
    number: int
    digest: str
    rows: int
    bytes: int
    origin: str
    source: Mapping[str, Any]
    profile: str | None
    state: str
    reason: str | None
    run_id: str | None
    arrived_at: datetime
    rows_digest: str | None = None


@dataclass(frozen=True, slots=True)
class Version:
    """An ordered set of batches. ``verdict`` is None until it was validated; ``cuts`` is where time is cut into splits,
    if it is."""

    dataset: str
    number: int
    digest: str
    batches: Sequence[str]
    rows: int
    baseline: int | None
    verdict: str | None
    remedy: str | None
    schema: str | None
    profile: str | None
    reason: str | None
    run_id: str | None
    created_at: datetime
    cuts: Sequence[Any] | None = None


def batches(connection: Connection, dataset: str) -> list[Batch]:
    """All batches of a dataset in the order of arrival, quarantined ones too."""
    query = select(batch).where(batch.c.dataset == dataset).order_by(batch.c.number)
    return [Batch(**row) for row in connection.execute(query).mappings()]


def add_batch(connection: Connection, made: Batch) -> None:
    """Keep a batch; one of the same dataset and content changes nothing."""
    insert_ = postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
    values = {name: getattr(made, name) for name in Batch.__slots__}
    connection.execute(insert_(batch).values(**values).on_conflict_do_nothing())


def set_state(connection: Connection, dataset: str, id: str, state: str, reason: str | None) -> None:
    """Take a batch into the next version (``accepted``) or leave it out (``quarantined``); its rows stay."""
    query = update(batch).where(batch.c.dataset == dataset, batch.c.id == id)
    connection.execute(query.values(state=state, reason=reason))


def set_profile(connection: Connection, dataset: str, id: str, digest: str) -> None:
    """Record the artifact that holds a batch's statistics."""
    query = update(batch).where(batch.c.dataset == dataset, batch.c.id == id)
    connection.execute(query.values(profile=digest))


def set_rows_digest(connection: Connection, dataset: str, id: str, digest: str) -> None:
    """Put on record what a batch's rows are; what is on record already stays."""
    query = update(batch).where(batch.c.dataset == dataset, batch.c.id == id, batch.c.rows_digest.is_(None))
    connection.execute(query.values(rows_digest=digest))


def version_digest(ids: Sequence[str]) -> str:
    """The digest of a version made of these batches in this order."""
    return Digest.of_json(list(ids)).hex


def accepted(connection: Connection, dataset: str) -> Version | None:
    """The newest version that was validated and not blocked, or blocked and remedied."""
    query = (
        select(version)
        .where(version.c.dataset == dataset)
        .where(or_(version.c.verdict.in_(("pass", "warn"))))
        .order_by(version.c.number.desc())
        .limit(1)
    )
    row = connection.execute(query).mappings().first()
    return Version(**row) if row else None


def add_version(
    connection: Connection, clock: Clock, dataset: str, ids: Sequence[str], rows: int, run_id: str | None
) -> Version:
    """The version made of these batches: the one there is, or the next number."""
    digest = version_digest(ids)
    query = select(version).where(version.c.dataset == dataset, version.c.digest == digest)
    row = connection.execute(query).mappings().first()
    if row:
        return Version(**row)
    baseline = accepted(connection, dataset)
    number = next_number(connection, dataset)
    connection.execute(
        insert(version).values(
            dataset=dataset,
            number=number,
            digest=digest,
            batches=list(ids),
            rows=rows,
            baseline=baseline.number if baseline else None,
            run_id=run_id,
            created_at=clock.now(),
        )
    )
    return get_version(connection, dataset, number)


def next_number(connection: Connection, dataset: str) -> int:
    query = select(func.max(version.c.number)).where(version.c.dataset == dataset)
    return (connection.execute(query).scalar() or 0) + 1


def versions(connection: Connection, dataset: str) -> list[Version]:
    """All versions of a dataset, oldest first."""
    query = select(version).where(version.c.dataset == dataset).order_by(version.c.number)
    return [Version(**row) for row in connection.execute(query).mappings()]


def datasets(connection: Connection) -> list[str]:
    """The names of all datasets."""
    return [row.dataset for row in connection.execute(select(version.c.dataset).distinct().order_by(version.c.dataset))]


def get_version(connection: Connection, dataset: str, number: int) -> Version:
    """One version; ``NotFound`` if there is none of that number."""
    query = select(version).where(version.c.dataset == dataset, version.c.number == number)
    row = connection.execute(query).mappings().first()
    if row is None:
        raise NotFound(f"no version {number} of dataset {dataset}", where="datasets", do="See 'noria data log'.")
    return Version(**row)


def set_verdict(connection: Connection, dataset: str, number: int, **columns: Any) -> None:
    """Record what validation said of a version: verdict, remedy, schema and profile digests."""
    connection.execute(
        update(version).where(version.c.dataset == dataset, version.c.number == number).values(**columns)
    )


def set_tag(
    connection: Connection, clock: Clock, dataset: str, name: str, number: int, *, actor: str, reason: str = ""
) -> None:
    """Point a tag at a version; recorded in the log of decisions if that changes anything."""
    before = tags(connection, dataset).get(name)
    if before == number:
        return
    insert_ = postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
    values = {"number": number, "at": clock.now()}
    statement = insert_(tag).values(dataset=dataset, name=name, **values)
    connection.execute(statement.on_conflict_do_update(index_elements=["dataset", "name"], set_=values))
    _tagged(connection, clock, dataset, name, before, number, actor, reason)


def tags(connection: Connection, dataset: str) -> dict[str, int]:
    """Tag → version number."""
    query = select(tag.c.name, tag.c.number).where(tag.c.dataset == dataset).order_by(tag.c.name)
    return {row.name: row.number for row in connection.execute(query)}


def remove_tag(connection: Connection, clock: Clock, dataset: str, name: str, *, actor: str, reason: str = "") -> None:
    """Forget a tag; the version stays; recorded in the log of decisions."""
    before = tags(connection, dataset).get(name)
    connection.execute(delete(tag).where(tag.c.dataset == dataset, tag.c.name == name))
    if before is not None:
        _tagged(connection, clock, dataset, name, before, None, actor, reason)


def _tagged(
    connection: Connection, clock: Clock, dataset: str, name: str, before: int | None, after: int | None, actor: str,
    reason: str,
) -> None:  # fmt: skip
    was, now = ({"tag": name, "version": number} for number in (before, after))
    audit.record(connection, clock, actor=actor, action="tag", subject=f"dataset:{dataset}", before=was, after=now,
                 reason=reason)  # fmt: skip
