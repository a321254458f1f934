"""Legal holds: things that stay as they are, with all they were made of, until somebody says otherwise."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, delete, insert, select

from noria.clock import Clock
from noria.errors import NotFound, UserError
from noria.store import audit
from noria.store.tables import hold, model_version, release, run, version

KINDS = ("model_version", "dataset_version", "release", "run")


@dataclass(frozen=True, slots=True)
class Hold:
    """``node`` is what is held, as in the lineage: ``release:…``, ``model_version:loans@3``."""

    node: str
    reason: str
    actor: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Reach:
    """What holds keep: runs with all they left, and versions of data with all their rows."""

    runs: frozenset[str]
    data: frozenset[tuple[str, int]]


def holds(connection: Connection) -> list[Hold]:
    """All that stand, oldest first."""
    return [Hold(**row) for row in connection.execute(select(hold).order_by(hold.c.at, hold.c.node)).mappings()]


def place(connection: Connection, clock: Clock, node: str, *, actor: str, reason: str) -> Hold:
    """Hold a thing; recorded in the log of decisions.

    Raises
    ------
    UserError
        If it is no kind that can be held, it is held already, or no reason is given.
    """
    if not reason.strip():
        raise UserError("a hold needs a reason", where="noria gc hold", do='Give one: --reason "…".')
    if node.partition(":")[0] not in KINDS:
        do = "Hold a model version, a version of data, a release or a run."
        raise UserError(f"{node} cannot be held", where="noria gc hold", do=do)
    held = [one for one in holds(connection) if one.node == node]
    if held:
        raise UserError(f"{node} is held already: {held[0].reason}", where="holds", do="See 'noria gc holds'.")
    made = Hold(node, reason, actor, clock.now())
    connection.execute(insert(hold).values(node=node, reason=reason, actor=actor, at=made.at))
    audit.record(connection, clock, actor=actor, action="hold", subject=node, after={"reason": reason}, reason=reason)
    return made


def lift(connection: Connection, clock: Clock, node: str, *, actor: str, reason: str) -> Hold:
    """Hold a thing no more; recorded in the log of decisions.

    Raises
    ------
    NotFound
        If it is not held.
    UserError
        If no reason is given.
    """
    if not reason.strip():
        raise UserError("to end a hold needs a reason", where="noria gc release", do='Give one: --reason "…".')
    held = [one for one in holds(connection) if one.node == node]
    if not held:
        raise NotFound(f"{node} is not held", where="holds", do="See 'noria gc holds'.")
    connection.execute(delete(hold).where(hold.c.node == node))
    before = {"reason": held[0].reason, "by": held[0].actor, "since": held[0].at.isoformat()}
    audit.record(connection, clock, actor=actor, action="hold ended", subject=node, before=before, reason=reason)
    return held[0]


def reach(connection: Connection) -> Reach:
    """What the holds that stand keep."""
    runs: set[str] = set()
    data: set[tuple[str, int]] = set()
    for one in holds(connection):
        kind, _, id = one.node.partition(":")
        name, _, number = id.rpartition("@")
        if kind == "dataset_version":
            data.add((name, int(number)))
        elif kind == "model_version":
            where = (model_version.c.model == name, model_version.c.number == int(number))
            runs |= {row.run_id for row in connection.execute(select(model_version.c.run_id).where(*where))}
        elif kind == "release":
            runs |= {row.run_id for row in connection.execute(select(release.c.run_id).where(release.c.id == id))}
        else:
            runs |= {row.id for row in connection.execute(select(run.c.id).where(run.c.id == id))}
    made = select(version.c.run_id).where(version.c.run_id.is_not(None))
    for name, held in data:
        here = made.where(version.c.dataset == name, version.c.number == held)
        runs |= {row.run_id for row in connection.execute(here)}
    taught = select(model_version.c.dataset, model_version.c.dataset_version, model_version.c.run_id)
    data |= {(row.dataset, row.dataset_version) for row in connection.execute(taught) if row.run_id in runs}
    return Reach(frozenset(runs), frozenset(data))
