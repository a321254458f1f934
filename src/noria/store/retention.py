"""What is still needed of what runs left: by what is live, held, waiting, at work, or new; and what is not."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Select, func, select

from noria.store import holds, routes, scrub
from noria.store.erasures import exclusive
from noria.store.tables import alias, edge, metadata, model_version, output, release, run, step_run

DIGEST = re.compile(r"[0-9a-f]{64}")
DOCUMENTS = ("application/json", "text/html")  # records and reports are small, and stay: they say what there was
NAMES_ONLY = (
    "output",
    "edge",
    "step_run",
    "audit",
    "audit_head",
)  # that an artifact is named there needs no byte of it


@dataclass(frozen=True, slots=True)
class Kept:
    """Runs of which everything stays, each with the reason."""

    runs: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Left:
    """What a step left of which the bytes are not needed any more."""

    digest: str
    bytes: int
    run: str
    name: str


def kept(connection: Connection, newest: int) -> Kept:
    """The runs of which everything stays.

    Parameters
    ----------
    newest
        How many of each lifecycle's newest runs stay, besides those that something needs.
    """
    found: dict[str, str] = {}
    for why, ids in (
        ("held", holds.reach(connection).runs),
        ("live", _live(connection)),
        ("waits for approval", _waiting(connection)),
        ("at work", _rows(connection, select(run.c.id).where(run.c.state == "running"))),
        ("at work", _rows(connection, select(step_run.c.run_id).where(step_run.c.state == "running"))),
        ("among the newest", _newest(connection, newest)),
    ):
        for id in ids:
            found.setdefault(id, why)
    return Kept(found)


def not_needed(connection: Connection, kept: Kept) -> list[Left]:
    """What runs left that nothing needs any more; documents are always needed."""
    columns = (output.c.digest, output.c.bytes, output.c.name, output.c.media, step_run.c.run_id)
    joined = select(*columns).join(step_run, step_run.c.id == output.c.step_run_id)
    rows = connection.execute(joined.order_by(step_run.c.id, output.c.name)).all()
    needed = {row.digest for row in rows if row.run_id in kept.runs or row.media in DOCUMENTS}
    needed |= _named(connection, kept)
    free = {row.digest: Left(row.digest, row.bytes, row.run_id, row.name) for row in rows if row.digest not in needed}
    return list(free.values())


def named(connection: Connection) -> set[str]:
    """Every digest that is written anywhere in the records."""
    return {found for text in scrub.texts(connection) for found in DIGEST.findall(text)}


def let_go(connection: Connection, newest: int) -> tuple[Kept, list[Left]]:
    """Have no later run take the results of which bytes will go; in the caller's transaction.

    Who is taking one at this moment has done so before, and its run is at work and keeps it; or will not find it.
    """
    exclusive(connection)
    found = kept(connection, newest)
    gone = not_needed(connection, found)
    scrub.not_again(connection, {one.digest for one in gone})
    return found, gone


def earliest_at_work(connection: Connection, now: datetime) -> datetime | None:
    """Since when the step that has been at work longest is; what was made later may be about to be put on record.

    A step whose lease has run out is at work no more: who did it was killed, or lost it.
    """
    alive = (step_run.c.state == "running", step_run.c.lease_until > now)
    return connection.execute(select(func.min(step_run.c.started_at)).where(*alive)).scalar()


def searches(connection: Connection, kept: Kept) -> set[str]:
    """Fingerprints of the searches of runs that are kept."""
    query = select(step_run.c.run_id, step_run.c.fingerprint).where(step_run.c.step == "tune")
    return {str(row.fingerprint) for row in connection.execute(query) if row.run_id in kept.runs and row.fingerprint}


def _live(connection: Connection) -> set[str]:
    """Runs of versions that answer, shadow, or bear a name."""
    numbers = {(row.model, row.number) for row in connection.execute(select(alias.c.model, alias.c.number))}
    for one in routes.all_newest(connection):
        numbers |= {(one.endpoint, int(number)) for number in one.weights}
        numbers |= {(one.endpoint, int(number)) for number in one.shadow or ()}
    made = select(model_version.c.model, model_version.c.number, model_version.c.run_id)
    return {row.run_id for row in connection.execute(made) if (row.model, row.number) in numbers}


def _waiting(connection: Connection) -> set[str]:
    """Runs with a candidate that somebody is asked about, or was; an answer refers to the question in the lineage."""
    answered = {
        row.parent.partition(":")[2]
        for row in connection.execute(select(edge.c.parent).where(edge.c.role == "decides"))
    }
    query = select(release.c.id, release.c.run_id).where(release.c.decision == "waiting")
    return {row.run_id for row in connection.execute(query) if row.id not in answered}


def _newest(connection: Connection, most: int) -> Iterator[str]:
    ranked = select(run.c.id, func.row_number().over(partition_by=run.c.lifecycle, order_by=run.c.number.desc()))
    yield from (row[0] for row in connection.execute(ranked) if row[1] <= most)


def _rows(connection: Connection, query: Select[Any]) -> set[str]:
    return {str(row[0]) for row in connection.execute(query)}


def _named(connection: Connection, kept: Kept) -> set[str]:
    """Digests that other records need: packages of versions, profiles, bundles, certificates; facts of kept runs."""
    tables = [table for table in metadata.sorted_tables if table.name not in NAMES_ONLY]
    found = {digest for text in scrub.texts_of(connection, tables) for digest in DIGEST.findall(text)}
    for row in connection.execute(select(step_run.c.run_id, step_run.c.facts)):
        if row.run_id in kept.runs:
            found |= {digest for text in scrub.texts_in(row.facts) for digest in DIGEST.findall(text)}
    return found
