"""Experiments: two versions in live traffic, what is to be found out, how it ended. One at a time an endpoint.

running ─→ decided | stopped
   └──→ proposed ─→ decided | stopped      where a person has the last word
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, func, insert, select, update
from sqlalchemy.exc import IntegrityError

from noria.clock import Clock
from noria.errors import NotFound, UserError
from noria.store import audit
from noria.store.tables import experiment

RUNNING, PROPOSED, DECIDED, STOPPED = "running", "proposed", "decided", "stopped"
OPEN = (RUNNING, PROPOSED)


@dataclass(frozen=True, slots=True)
class Experiment:
    """One experiment. ``rules`` is what it is to find out, as plain data, ``weights`` how traffic is divided while it
    runs; ``verdict``, ``why`` and ``evidence`` are what the numbers said last, once that is more than to go on."""

    endpoint: str
    number: int
    champion: int
    challenger: int
    state: str
    rules: Mapping[str, Any]
    approval: str
    weights: Mapping[str, int]
    before: Mapping[str, int]
    revision: int
    started_at: datetime
    started_by: str
    reason: str
    verdict: str | None = None
    why: str | None = None
    evidence: Mapping[str, Any] | None = None
    ended_at: datetime | None = None
    ended_by: str | None = None

    @property
    def id(self) -> str:
        """How it is called: ``loans#2``."""
        return f"{self.endpoint}#{self.number}"

    @property
    def open(self) -> bool:
        """Whether it still divides the traffic."""
        return self.state in OPEN


def start(connection: Connection, clock: Clock, made: Experiment) -> Experiment:
    """Put an experiment on record as begun, under the endpoint's next number. Audited.

    Raises
    ------
    UserError
        If one of the endpoint is open: also if another process opens it at the same moment.
    """
    held = running(connection, made.endpoint)
    if held is not None:
        raise _taken(held.id)
    number = (connection.execute(
        select(func.max(experiment.c.number)).where(experiment.c.endpoint == made.endpoint)
    ).scalar() or 0) + 1  # fmt: skip
    values = {name: getattr(made, name) for name in Experiment.__slots__} | {"number": number}
    try:
        connection.execute(insert(experiment).values(**values))
    except IntegrityError as error:
        raise _taken(made.endpoint) from error
    kept = Experiment(**values)
    _record(connection, clock, kept, "experiment start", made.started_by, made.reason)
    return kept


def running(connection: Connection, endpoint: str) -> Experiment | None:
    """The open experiment of an endpoint, if there is one."""
    query = select(experiment).where(experiment.c.endpoint == endpoint, experiment.c.state.in_(OPEN))
    row = connection.execute(query).mappings().first()
    return Experiment(**row) if row else None


def all(connection: Connection, endpoint: str | None = None) -> list[Experiment]:
    """All experiments, of one endpoint or of all, oldest first."""
    query = select(experiment).order_by(experiment.c.started_at, experiment.c.endpoint, experiment.c.number)
    if endpoint is not None:
        query = query.where(experiment.c.endpoint == endpoint)
    return [Experiment(**row) for row in connection.execute(query).mappings()]


def get(connection: Connection, endpoint: str, number: int) -> Experiment:
    """One experiment; ``NotFound`` if there is none of that number."""
    query = select(experiment).where(experiment.c.endpoint == endpoint, experiment.c.number == number)
    row = connection.execute(query).mappings().first()
    if row is None:
        raise NotFound(f"no experiment {endpoint}#{number}", where="experiments", do="See 'noria experiment list'.")
    return Experiment(**row)


def propose(
    connection: Connection, clock: Clock, one: Experiment, verdict: str, why: str, evidence: Mapping[str, Any]
) -> bool:
    """Say what the numbers say, and wait for a person; False if it is no longer running. Audited."""
    values = {"state": PROPOSED, "verdict": verdict, "why": why, "evidence": dict(evidence)}
    if not _move(connection, one, (RUNNING,), values):
        return False
    _record(connection, clock, get(connection, one.endpoint, one.number), "experiment propose", "noria", why)
    return True


def end(
    connection: Connection, clock: Clock, one: Experiment, state: str, *, verdict: str, why: str,
    evidence: Mapping[str, Any] | None, actor: str,
) -> bool:  # fmt: skip
    """Close an open experiment as decided (by its numbers, or by a person who looked at them) or stopped (before they
    said anything); False if it is closed already. Audited."""
    values = {
        "state": state, "verdict": verdict, "why": why, "evidence": None if evidence is None else dict(evidence),
        "ended_at": clock.now(), "ended_by": actor,
    }  # fmt: skip
    if not _move(connection, one, OPEN, values):
        return False
    _record(connection, clock, get(connection, one.endpoint, one.number), f"experiment {verdict}", actor, why)
    return True


def _move(connection: Connection, one: Experiment, of: tuple[str, ...], values: Mapping[str, Any]) -> bool:
    changed = connection.execute(
        update(experiment)
        .where(experiment.c.endpoint == one.endpoint, experiment.c.number == one.number, experiment.c.state.in_(of))
        .values(**values)
    )
    return changed.rowcount == 1


def _record(connection: Connection, clock: Clock, one: Experiment, action: str, actor: str, why: str) -> None:
    audit.record(
        connection,
        clock,
        actor=actor,
        action=action,
        subject=f"experiment:{one.id}",
        before=dict(one.before),
        after={
            "champion": one.champion,
            "challenger": one.challenger,
            "weights": dict(one.weights),
            "state": one.state,
        },
        reason=why,
    )


def _taken(which: str) -> UserError:
    return UserError(
        "an experiment of this endpoint is under way", where=which, do="Stop it first with 'noria experiment stop'."
    )
