"""What a person decides about data: a batch is left out or taken back in, a version that was blocked goes on.

Each decision is one function that a transaction holds: what it changes, the audit entry, and the edge that leads from
the version to the entry. Nothing is lost: the rows of a batch that was left out stay where they are.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, select

from noria.clock import Clock
from noria.errors import NotFound, UserError
from noria.store import audit, datasets, lineage
from noria.store.datasets import Batch, Version
from noria.store.tables import audit as entries

ACCEPT, QUARANTINE = "accept", "quarantine"


@dataclass(frozen=True, slots=True)
class Person:
    """Who decides, and why; both go on record."""

    name: str
    reason: str


def quarantine(connection: Connection, clock: Clock, dataset: str, batch: str, person: Person) -> Version:
    """Leave a batch out: the version without it, which is there already or is the next, not validated yet.

    Parameters
    ----------
    batch
        Its id, or the beginning of it if no other begins so.

    Raises
    ------
    NotFound
        If there is no such batch.
    UserError
        If several ids begin so, it is left out already, no other batch would be left, or no reason is given.
    """
    _must_say_why(person, "quarantine")
    found = find(connection, dataset, batch)
    if found.state == "quarantined":
        raise UserError(
            f"batch {found.id} is quarantined already: {found.reason}", where=dataset, do="There is nothing to do."
        )
    return leave_out(connection, clock, dataset, [found.id], person)


def leave_out(connection: Connection, clock: Clock, dataset: str, ids: Sequence[str], person: Person) -> Version:
    """``quarantine`` of several accepted batches at once, by their ids; also run by the validate step."""
    held = [one for one in datasets.batches(connection, dataset) if one.state == "accepted"]
    if all(one.id in ids for one in held):
        raise UserError(
            f"no other batch of {dataset} is left", where=f"batch {', '.join(ids)}", do="Collect others first."
        )
    for id in ids:
        datasets.set_state(connection, dataset, id, "quarantined", person.reason)
    return _decided(connection, clock, dataset, ids, ("accepted", "quarantined"), person)


def restore(connection: Connection, clock: Clock, dataset: str, batch: str, person: Person) -> Version:
    """Take a quarantined batch back in: the version with it.

    Raises
    ------
    NotFound, UserError
        As ``quarantine`` does; also if the batch is not quarantined.
    """
    _must_say_why(person, "restore")
    found = find(connection, dataset, batch)
    if found.state != "quarantined":
        raise UserError(f"batch {found.id} is not quarantined", where=dataset, do="There is nothing to do.")
    datasets.set_state(connection, dataset, found.id, "accepted", None)
    return _decided(connection, clock, dataset, [found.id], ("quarantined", "accepted"), person)


def accept(connection: Connection, clock: Clock, dataset: str, number: int, person: Person) -> Version:
    """Let a version go on that validation had blocked: its verdict becomes warn, its remedy ``accept``.

    Raises
    ------
    NotFound
        If there is no such version.
    UserError
        If it was not blocked, or no reason is given.
    """
    _must_say_why(person, "accept")
    found = datasets.get_version(connection, dataset, number)
    if found.verdict != "block":
        said = f"was let pass ({found.verdict})" if found.verdict else "was not validated yet"
        do = "There is nothing to accept." if found.verdict else "Run the lifecycle, then accept what it stops at."
        raise UserError(f"{dataset}@{number} {said}", where="accept", do=do)
    entry = audit.record(
        connection,
        clock,
        actor=person.name,
        action=ACCEPT,
        subject=f"dataset_version:{dataset}@{number}",
        before={"verdict": found.verdict, "remedy": found.remedy},
        after={"verdict": "warn", "remedy": ACCEPT},
        reason=person.reason,
    )
    datasets.set_verdict(connection, dataset, number, verdict="warn", remedy=ACCEPT, reason=person.reason)
    lineage.link(connection, f"dataset_version:{dataset}@{number}", f"audit:{entry.number}", "accepted by")
    return datasets.get_version(connection, dataset, number)


def find(connection: Connection, dataset: str, batch: str) -> Batch:
    """A dataset's batch by its id or the beginning of it."""
    found = [one for one in datasets.batches(connection, dataset) if batch and one.id.startswith(batch)]
    if not found:
        raise NotFound(
            f"no batch {batch!r} of dataset {dataset}", where="batches", do=f"See 'noria data show {dataset}'."
        )
    if len(found) > 1:
        names = ", ".join(one.id for one in found[:5])
        raise UserError(f"{len(found)} batches begin with {batch!r}", where=names, do="Give more of the id.")
    return found[0]


def _decided(
    connection: Connection, clock: Clock, dataset: str, ids: Sequence[str], states: tuple[str, str], person: Person
) -> Version:
    """The version of the batches that are accepted now, and the record of who decided."""
    held = [one for one in datasets.batches(connection, dataset) if one.state == "accepted"]
    made = datasets.add_version(
        connection, clock, dataset, [one.id for one in held], sum(one.rows for one in held), run_id=None
    )
    node = f"dataset_version:{dataset}@{made.number}"
    for one in held:
        lineage.link(connection, node, f"batch:{dataset}/{one.id}", "holds")
    for id in ids:
        entry = audit.record(
            connection,
            clock,
            actor=person.name,
            action=QUARANTINE if states[1] == "quarantined" else "restore",
            subject=f"batch:{dataset}/{id}",
            before=states[0],
            after={"state": states[1], "version": made.number},
            reason=person.reason,
        )
        lineage.link(connection, node, f"audit:{entry.number}", f"batch {states[1]}")
    return made


def _must_say_why(person: Person, word: str) -> None:
    if not person.reason.strip():
        raise UserError("a decision about data needs a reason", where=word, do='Give one: --reason "…".')


def who_asked(connection: Connection, run_id: str, actor: str) -> Person:
    """Who started a run with a remedy, and why; ``actor`` if that is not on record."""
    query = select(entries.c.actor, entries.c.reason).where(
        entries.c.subject == f"run:{run_id}", entries.c.action == "remedy"
    )
    row = connection.execute(query.order_by(entries.c.number.desc()).limit(1)).first()
    return Person(row.actor, row.reason) if row else Person(actor, f"the remedy of run {run_id}")
