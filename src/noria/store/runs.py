"""Runs and step runs: who may work at what, how far it got, what can be used again."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, delete, func, insert, select, update
from sqlalchemy.dialects import postgresql, sqlite

from noria.clock import Clock
from noria.digest import Digest
from noria.errors import NotFound, Superseded
from noria.plan import Plan, run_id
from noria.store.attempt import Output, Result
from noria.store.tables import output, run, step_run

FINISHED = ("done", "reused")
LEASE = timedelta(seconds=60)


@dataclass(frozen=True, slots=True)
class Run:
    id: str
    lifecycle: str
    number: int
    state: str
    trigger: str
    remedy: str | None
    plan: Plan
    key: str
    started_at: datetime
    ended_at: datetime | None
    message: str | None
    cause: Mapping[str, str] | None = None


@dataclass(frozen=True, slots=True)
class StepRun:
    id: int
    run_id: str
    step: str
    shard: int
    state: str
    attempt: int
    owner: str | None
    lease_until: datetime | None
    fingerprint: str | None
    ingredients: Any
    why: Sequence[str] | None
    facts: Mapping[str, Any] | None
    message: str | None
    reused_from: int | None
    ready_at: datetime | None
    started_at: datetime | None
    ended_at: datetime | None
    peak_memory_mb: float | None


def alone(connection: Connection, lifecycle: str) -> None:
    """Let no other transaction open a run of this lifecycle until this one ends; SQLite has one writer anyway."""
    if connection.dialect.name == "postgresql":
        connection.execute(select(func.pg_advisory_xact_lock(func.hashtext(f"noria run {lifecycle}"))))


def start(
    connection: Connection,
    clock: Clock,
    plan: Plan,
    *,
    key: str,
    trigger: str,
    remedy: str | None,
    id: str | None = None,
    cause: Mapping[str, str] | None = None,
) -> Run:
    """Open the lifecycle's next run, all its steps waiting.

    Parameters
    ----------
    trigger, cause
        What called for it, in a word; and why, in a sentence, with the call's mark (``noria.feedback.trigger``).
    id
        Its name, if its number shall not be part of it.
    """
    alone(connection, plan.lifecycle)
    query = select(func.max(run.c.number)).where(run.c.lifecycle == plan.lifecycle)
    number = (connection.execute(query).scalar() or 0) + 1
    id = id or run_id(plan.lifecycle, number)
    connection.execute(
        insert(run).values(
            id=id,
            lifecycle=plan.lifecycle,
            number=number,
            state="running",
            trigger=trigger,
            remedy=remedy,
            plan=plan.to_json(),
            key=key,
            started_at=clock.now(),
            cause=None if cause is None else dict(cause),
        )
    )
    connection.execute(
        insert(step_run),
        [{"run_id": id, "step": step.name, "shard": 0, "state": "waiting", "attempt": 0} for step in plan.steps],
    )
    return get(connection, id)


def get(connection: Connection, id: str) -> Run:
    """One run; ``NotFound`` if there is none of that id."""
    row = connection.execute(select(run).where(run.c.id == id)).mappings().first()
    if row is None:
        raise NotFound(f"no run {id}", where="runs", do="Give the id that a run has, such as loans-3.")
    return Run(**{**row, "plan": Plan.from_json(row["plan"])})


def newest(connection: Connection, lifecycle: str, most: int = 1) -> list[Run]:
    """The lifecycle's runs, newest first."""
    query = select(run).where(run.c.lifecycle == lifecycle).order_by(run.c.number.desc()).limit(most)
    return [Run(**{**row, "plan": Plan.from_json(row["plan"])}) for row in connection.execute(query).mappings()]


def lifecycles(connection: Connection) -> list[str]:
    """The names of all lifecycles that ever ran."""
    return [row.lifecycle for row in connection.execute(select(run.c.lifecycle).distinct().order_by(run.c.lifecycle))]


def end(connection: Connection, clock: Clock, id: str, state: str, message: str | None = None) -> None:
    """Close a run that is running; one that is closed stays as it is."""
    connection.execute(
        update(run)
        .where(run.c.id == id, run.c.state == "running")
        .values(state=state, ended_at=clock.now(), message=message)
    )


def reopen(connection: Connection, id: str, of: Sequence[str] = ("stopped",)) -> None:
    """Let a run that ended in one of these states go on; its finished steps stay.

    A gate had stopped it, and a person decided; or an orchestrator turns it again.
    """
    connection.execute(
        update(run).where(run.c.id == id, run.c.state.in_(of)).values(state="running", ended_at=None, message=None)
    )


def steps(connection: Connection, run_id: str) -> list[StepRun]:
    """The step runs of a run, in the plan's order; not those of their parts."""
    query = select(step_run).where(step_run.c.run_id == run_id, step_run.c.shard == 0).order_by(step_run.c.id)
    return [StepRun(**row) for row in connection.execute(query).mappings()]


def step(connection: Connection, run_id: str, word: str, shard: int = 0) -> StepRun:
    """One step run; ``NotFound`` if the run has no such step."""
    query = select(step_run).where(step_run.c.run_id == run_id, step_run.c.step == word, step_run.c.shard == shard)
    row = connection.execute(query).mappings().first()
    if row is None:
        raise NotFound(f"run {run_id} has no step {word}", where="runs", do="See the run's plan for its steps.")
    return StepRun(**row)


def parts(connection: Connection, run_id: str, word: str) -> list[StepRun]:
    """The parts of a step that were begun, in order: what is made once for all of them (-1) first."""
    query = select(step_run).where(step_run.c.run_id == run_id, step_run.c.step == word, step_run.c.shard != 0)
    return [StepRun(**row) for row in connection.execute(query.order_by(step_run.c.shard)).mappings()]


def part(connection: Connection, run_id: str, word: str, shard: int) -> StepRun:
    """A part's step run, waiting if it is new: parts only help, so that a run has none until somebody begins them."""
    insert = postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
    values = {"run_id": run_id, "step": word, "shard": shard, "state": "waiting", "attempt": 0}
    connection.execute(insert(step_run).values(values).on_conflict_do_nothing())
    return step(connection, run_id, word, shard)


def ready_at(connection: Connection, run: Run, word: str) -> datetime:
    """Since when a step could have begun: the last of those it needs had ended, or the run was opened."""
    needs = set(run.plan.step(word).needs)
    ends = [row.ended_at for row in steps(connection, run.id) if row.step in needs and row.ended_at]
    return max([run.started_at, *ends])


def result(connection: Connection, step_run_id: int) -> Result:
    """What a finished step run left."""
    facts = connection.execute(select(step_run.c.facts).where(step_run.c.id == step_run_id)).scalar()
    rows = connection.execute(select(output).where(output.c.step_run_id == step_run_id).order_by(output.c.name))
    outputs = {row.name: Output(Digest(row.digest), row.media, row.bytes) for row in rows}
    return Result(facts or {}, outputs)


def reusable(connection: Connection, lifecycle: str, word: str, fingerprint: str, shard: int = 0) -> StepRun | None:
    """The newest step run that computed exactly this and was not stopped by a gate."""
    query = (
        select(step_run)
        .join(run, run.c.id == step_run.c.run_id)
        .where(run.c.lifecycle == lifecycle, step_run.c.step == word)
        .where(step_run.c.fingerprint == fingerprint, step_run.c.state == "done", step_run.c.shard == shard)
        .order_by(step_run.c.id.desc())
        .limit(1)
    )
    row = connection.execute(query).mappings().first()
    return StepRun(**row) if row else None


def last_like(connection: Connection, lifecycle: str, word: str, before: int) -> StepRun | None:
    """The newest earlier step run of this word that has a fingerprint: what to compare with when explaining."""
    query = (
        select(step_run)
        .join(run, run.c.id == step_run.c.run_id)
        .where(run.c.lifecycle == lifecycle, step_run.c.step == word, step_run.c.id < before, step_run.c.shard == 0)
        .where(step_run.c.fingerprint.is_not(None))
        .order_by(step_run.c.id.desc())
        .limit(1)
    )
    row = connection.execute(query).mappings().first()
    return StepRun(**row) if row else None


def claim(connection: Connection, clock: Clock, id: int, *, owner: str) -> int:
    """Take a step run: a new attempt, whose number is the fencing token. Older attempts can no longer commit.

    Raises
    ------
    Superseded
        If it is finished.
    """
    now = clock.now()
    changed = connection.execute(
        update(step_run)
        .where(step_run.c.id == id, step_run.c.state.not_in(FINISHED))
        .values(
            state="running",
            attempt=step_run.c.attempt + 1,
            owner=owner,
            lease_until=now + LEASE,
            started_at=now,
            ended_at=None,
            message=None,
        )
    )
    if changed.rowcount != 1:
        raise Superseded("the step is finished already", where=f"step run {id}", do="Use its outputs.")
    connection.execute(delete(output).where(output.c.step_run_id == id))  # of an attempt that a gate had blocked
    return int(connection.execute(select(step_run.c.attempt).where(step_run.c.id == id)).scalar_one())


def renew(connection: Connection, clock: Clock, id: int, attempt: int) -> bool:
    """Lengthen the lease; False if a newer attempt has taken the step."""
    changed = connection.execute(
        update(step_run)
        .where(step_run.c.id == id, step_run.c.attempt == attempt, step_run.c.state == "running")
        .values(lease_until=clock.now() + LEASE)
    )
    return changed.rowcount == 1


def finish(
    connection: Connection, clock: Clock, id: int, attempt: int, state: str, result: Result, **columns: Any
) -> None:
    """Commit an attempt's end with its outputs.

    Raises
    ------
    Superseded
        If a newer attempt holds the step run, or it is finished: the caller's transaction must not commit.
    """
    changed = connection.execute(
        update(step_run)
        .where(step_run.c.id == id, step_run.c.attempt == attempt, step_run.c.state.in_(("running", "waiting")))
        .values(state=state, ended_at=clock.now(), facts=dict(result.facts), lease_until=None, **columns)
    )
    if changed.rowcount != 1:
        raise Superseded(
            f"attempt {attempt} was overtaken by a newer one", where=f"step run {id}", do="Nothing was committed."
        )
    if result.outputs:
        connection.execute(
            insert(output),
            [
                {"step_run_id": id, "name": name, "digest": out.digest.hex, "media": out.media, "bytes": out.bytes}
                for name, out in sorted(result.outputs.items())
            ],
        )


def mark(connection: Connection, id: int, **columns: Any) -> None:
    """Set columns of a step run that have nothing to do with who holds it: fingerprint, why, ready time."""
    connection.execute(update(step_run).where(step_run.c.id == id).values(**columns))


def reset(connection: Connection, id: int) -> None:
    """Let a step run be done again, whatever it was; its outputs are those of the next attempt."""
    connection.execute(delete(output).where(output.c.step_run_id == id))
    connection.execute(update(step_run).where(step_run.c.id == id).values(state="waiting", message=None))
