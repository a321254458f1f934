"""Erasures: who asked for them, how far they are, what they amended. A subject's key is known by its keyed digest only.

While one is begun and not done, no step of the lifecycles concerned starts: what it would read is being taken away.
"""

import hmac
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, delete, insert, select, text, update
from sqlalchemy.dialects import postgresql, sqlite

from noria.clock import Clock
from noria.errors import UserError
from noria.store import secret
from noria.store.datasets import batches, versions
from noria.store.tables import amended, batch, erased, erasure, learned, run, step_run, version

BEGUN, DONE = "begun", "done"
LOCK = 0x65726173  # "eras": on PostgreSQL, so that a step and an erasure see each other begin; SQLite has one writer
TOLD = 16


@dataclass(frozen=True, slots=True)
class Erasure:
    """One erasure. ``counts`` is plain data without any value of a row; ``certificate`` and ``page`` are artifacts."""

    id: str
    subject: str
    secret: str
    datasets: Sequence[str]
    state: str
    models: str
    actor: str
    reason: str
    counts: Mapping[str, Any]
    certificate: str | None
    page: str | None
    begun_at: datetime
    ended_at: datetime | None


@dataclass(frozen=True, slots=True)
class Amended:
    """A version that holds fewer rows than when it was made, since ``at``."""

    dataset: str
    number: int
    erasure: str
    rows_before: int
    rows_after: int
    at: datetime


class Secret:
    """What keys are digested with: a file that only its owner reads, made when it is first needed."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._bytes = secret.of(file)

    @property
    def told(self) -> str:
        """Tells secrets apart without giving one away."""
        return self.digest("noria")[:TOLD]

    def digest(self, key: str) -> str:
        """HMAC-SHA256 of a subject's key, in hexadecimal."""
        return hmac.new(self._bytes, key.encode(), sha256).hexdigest()

    @property
    def seed(self) -> int:
        """64 bits that follow from it, for hashes that nobody without it can try keys against."""
        return int.from_bytes(hmac.new(self._bytes, b"noria: index of subjects", sha256).digest()[:8], "big")

    def must_be(self, told: Collection[str]) -> None:
        """Raise ``UserError`` if digests on record were made with another secret."""
        if set(told) - {self.told}:
            raise UserError(
                "erased subjects are on record under another secret: they would not be known again",
                where=str(self._file),
                do="Set NORIA_SECRET to the file that was used then.",
            )


def all(connection: Connection) -> list[Erasure]:
    """All erasures, oldest first."""
    query = select(erasure).order_by(erasure.c.begun_at, erasure.c.id)
    return [Erasure(**row) for row in connection.execute(query).mappings()]


def of(connection: Connection, subject: str) -> list[Erasure]:
    """The erasures of a subject, by its keyed digest, oldest first."""
    return [one for one in all(connection) if one.subject == subject]


def begin(connection: Connection, made: Erasure) -> None:
    """Put an erasure on record: from now on its subject's rows are refused, and no step of its datasets starts."""
    _gate(connection, "")
    connection.execute(insert(erasure).values(**{name: getattr(made, name) for name in Erasure.__slots__}))
    for dataset in made.datasets:
        _keep(connection, erased, {"dataset": dataset, "subject": made.subject, "erasure": made.id})


def note(connection: Connection, id: str, **columns: Any) -> None:
    """Set columns of an erasure."""
    connection.execute(update(erasure).where(erasure.c.id == id).values(**columns))


def drop(connection: Connection, id: str) -> None:
    """Forget an erasure that found nothing to do."""
    connection.execute(delete(erased).where(erased.c.erasure == id))
    connection.execute(delete(erasure).where(erasure.c.id == id))


def refused(connection: Connection, dataset: str) -> dict[str, str]:
    """The subjects whose rows a dataset refuses: keyed digest → what tells its secret."""
    query = select(erased.c.subject, erasure.c.secret).join(erasure, erasure.c.id == erased.c.erasure)
    return {row.subject: row.secret for row in connection.execute(query.where(erased.c.dataset == dataset))}


def touching(connection: Connection, dataset: str) -> list[str]:
    """Ids of the erasures that took rows out of a dataset's versions: data that were amended are other data."""
    query = select(amended.c.erasure).where(amended.c.dataset == dataset).distinct().order_by(amended.c.erasure)
    return [row.erasure for row in connection.execute(query)]


def must_not_be_open(connection: Connection, dataset: str) -> None:
    """Raise ``UserError`` if an erasure is at work on a dataset; called in the transaction that takes a step."""
    _gate(connection, "_shared")
    for one in connection.execute(select(erasure.c.id, erasure.c.datasets).where(erasure.c.state == BEGUN)):
        if dataset in one.datasets:
            raise UserError(
                f"erasure {one.id} of {dataset} is begun and not done",
                where="erasures",
                do="Wait for it; if it was interrupted, type the same 'noria erase' command again.",
            )


def none_open(connection: Connection) -> None:
    """Raise ``UserError`` if an erasure is begun and not done: what is to go for it must be found by it."""
    for one in all(connection):
        if one.state == BEGUN:
            raise UserError(
                f"erasure {one.id} is begun and not done",
                where="erasures",
                do="Type the same 'noria erase' command again.",
            )


def working(connection: Connection, datasets: Collection[str] | None) -> list[Any]:
    """The steps of these lifecycles (None: of all) that are running now: run, step, owner, lease."""
    query = select(step_run.c.run_id, step_run.c.step, step_run.c.owner, step_run.c.lease_until).join(
        run, run.c.id == step_run.c.run_id
    )
    running = query.where(step_run.c.state == "running")
    return list(connection.execute(running if datasets is None else running.where(run.c.lifecycle.in_(datasets))))


def cut_batch(connection: Connection, dataset: str, id: str, rows: int, digest: str | None) -> None:
    """Say what a batch holds now; its statistics are made anew when they are needed."""
    here = (batch.c.dataset == dataset, batch.c.id == id)
    connection.execute(update(batch).where(*here).values(rows=rows, rows_digest=digest, profile=None))


def cut_versions(connection: Connection, clock: Clock, erasure: str, dataset: str, numbers: Collection[int]) -> None:
    """Say that versions hold fewer rows, since now, if they do; doing it again changes nothing."""
    rows = {one.id: one.rows for one in batches(connection, dataset)}
    for one in versions(connection, dataset):
        after = sum(rows[id] for id in one.batches)
        if one.number not in numbers or after == one.rows:
            continue
        here = (version.c.dataset == dataset, version.c.number == one.number)
        connection.execute(update(version).where(*here).values(rows=after))
        counts = {"rows_before": one.rows, "rows_after": after, "at": clock.now()}
        _keep(connection, amended, {"dataset": dataset, "number": one.number, "erasure": erasure, **counts})
        _amend_facts(connection, dataset, one.number, after)


def _amend_facts(connection: Connection, dataset: str, number: int, rows: int) -> None:
    query = select(step_run.c.id, step_run.c.facts).join(run, run.c.id == step_run.c.run_id)
    for row in connection.execute(query.where(run.c.lifecycle == dataset, step_run.c.step == "collect")).all():
        if (row.facts or {}).get("version") == number:
            facts = {**row.facts, "rows": rows}
            connection.execute(update(step_run).where(step_run.c.id == row.id).values(facts=facts))


def no_profiles(connection: Connection, digests: Collection[str]) -> None:
    """Batches and versions refer no more to artifacts that go."""
    for column in (batch.c.profile, version.c.profile, version.c.schema):
        for digest in digests:
            here = update(column.table).where(column == digest)
            connection.execute(here.values({column.name: None}))


def amendments(connection: Connection, dataset: str) -> dict[int, list[Amended]]:
    """What was taken out of a dataset's versions, by number, oldest first."""
    found: dict[int, list[Amended]] = {}
    query = select(amended).where(amended.c.dataset == dataset).order_by(amended.c.at)
    for row in connection.execute(query).mappings():
        found.setdefault(row["number"], []).append(Amended(**row))
    return found


def flag(connection: Connection, erasure: str, model: str, number: int) -> None:
    """Say that a model had learned from what was erased."""
    _keep(connection, learned, {"model": model, "number": number, "erasure": erasure})


def flagged(connection: Connection) -> dict[tuple[str, int], list[Erasure]]:
    """Models that had learned from rows which were erased since, by name and number."""
    by_id = {one.id: one for one in all(connection)}
    found: dict[tuple[str, int], list[Erasure]] = {}
    for row in connection.execute(select(learned)):
        if row.erasure in by_id:
            found.setdefault((row.model, row.number), []).append(by_id[row.erasure])
    return found


def _keep(connection: Connection, table: Any, values: Mapping[str, Any]) -> None:
    insert_ = postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
    connection.execute(insert_(table).values(**values).on_conflict_do_nothing())


def exclusive(connection: Connection) -> None:
    """No step begins until the caller's transaction ends."""
    _gate(connection, "")


def _gate(connection: Connection, shared: str) -> None:
    if connection.dialect.name == "postgresql":
        connection.execute(text(f"SELECT pg_advisory_xact_lock{shared}(:key)"), {"key": LOCK})
