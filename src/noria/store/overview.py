"""What pages show of many runs at once: light queries, without the plans."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, func, select

from noria.digest import Digest
from noria.store.tables import alert, alias, audit_head, batch, release, route, run, step_run, version
from noria.store.tables import output as step_output


@dataclass(frozen=True, slots=True)
class Head:
    """A run without its plan."""

    id: str
    lifecycle: str
    number: int
    state: str
    trigger: str
    remedy: str | None
    started_at: datetime
    ended_at: datetime | None
    message: str | None


@dataclass(frozen=True, slots=True)
class Arrival:
    """What a dataset holds: batches taken in, those left out, and when the last one came."""

    batches: int
    quarantined: int
    last: datetime | None


COLUMNS = tuple(run.c[name] for name in Head.__slots__)


def lifecycles(connection: Connection) -> list[str]:
    """Names of everything that ever ran."""
    return [row.lifecycle for row in connection.execute(select(run.c.lifecycle).distinct().order_by(run.c.lifecycle))]


def heads(
    connection: Connection, lifecycle: str | None = None, *, most: int = 50, before: int | None = None
) -> list[Head]:
    """Runs, newest first.

    Parameters
    ----------
    before
        Of one lifecycle, only runs of a smaller number.
    """
    query = select(*COLUMNS).order_by(run.c.started_at.desc(), run.c.number.desc()).limit(most)
    if lifecycle is not None:
        query = query.where(run.c.lifecycle == lifecycle)
    if before is not None:
        query = query.where(run.c.number < before)
    return [Head(*row) for row in connection.execute(query)]


def states(connection: Connection, runs: Collection[str]) -> dict[str, dict[str, str]]:
    """By run, the state of each step, in order."""
    query = select(step_run.c.run_id, step_run.c.step, step_run.c.state).where(step_run.c.run_id.in_(list(runs)))
    found: dict[str, dict[str, str]] = {id: {} for id in runs}
    for row in connection.execute(query.order_by(step_run.c.id)):
        found[row.run_id][row.step] = row.state
    return found


def counts(connection: Connection) -> dict[str, dict[str, int]]:
    """By lifecycle, how many runs are in each state."""
    query = select(run.c.lifecycle, run.c.state, func.count().label("runs")).group_by(run.c.lifecycle, run.c.state)
    found: dict[str, dict[str, int]] = {}
    for row in connection.execute(query):
        found.setdefault(row.lifecycle, {})[row.state] = row.runs
    return found


def arrival(connection: Connection, dataset: str) -> Arrival:
    """How much of a dataset has arrived, and when the last of it."""
    query = select(batch.c.state, func.count().label("held"), func.max(batch.c.arrived_at).label("last"))
    rows = connection.execute(query.where(batch.c.dataset == dataset).group_by(batch.c.state)).all()
    held = {row.state: row.held for row in rows}
    last = max((row.last for row in rows if row.last is not None), default=None)
    return Arrival(sum(held.values()), held.get("quarantined", 0), last)


def pulse(connection: Connection) -> str:
    """A text that is another one whenever anything that pages show was put on record."""
    one = select(
        select(func.count()).select_from(alert).scalar_subquery(),
        select(audit_head.c.number).scalar_subquery(),
        select(func.count()).select_from(batch).scalar_subquery(),
        select(func.count()).select_from(version).scalar_subquery(),
        select(func.sum(route.c.revision)).scalar_subquery(),
        select(func.max(step_run.c.id)).scalar_subquery(),
        select(func.max(step_run.c.ready_at)).scalar_subquery(),
        select(func.max(step_run.c.started_at)).scalar_subquery(),
        select(func.max(step_run.c.ended_at)).scalar_subquery(),
        select(func.max(run.c.started_at)).scalar_subquery(),
        select(func.max(run.c.ended_at)).scalar_subquery(),
        select(func.count()).select_from(run).where(run.c.state == "running").scalar_subquery(),
    )
    return Digest.of_json([str(value) for value in connection.execute(one).one()]).hex[:16]


def newest_step(connection: Connection, lifecycle: str, word: str) -> int | None:
    """The id of the newest step run of this word that ended well."""
    query = select(func.max(step_run.c.id)).join(run, run.c.id == step_run.c.run_id)
    query = query.where(run.c.lifecycle == lifecycle, step_run.c.step == word, step_run.c.state.in_(("done", "reused")))
    found = connection.execute(query).scalar()
    return None if found is None else int(found)


def alias_since(connection: Connection, model: str, name: str) -> datetime | None:
    """Since when an alias stands where it stands."""
    query = select(alias.c.at).where(alias.c.model == model, alias.c.name == name)
    return connection.execute(query).scalar()


def came(connection: Connection, dataset: str, number: int) -> datetime | None:
    """When the newest batch of a version arrived."""
    here = (version.c.dataset == dataset, version.c.number == number)
    ids = connection.execute(select(version.c.batches).where(*here)).scalar() or []
    newest = select(func.max(batch.c.arrived_at)).where(batch.c.dataset == dataset, batch.c.id.in_(ids[-500:]))
    return connection.execute(newest).scalar()


def output(connection: Connection, digest: str) -> tuple[str, str] | None:
    """Name and media type of an artifact that a step left; None if none did."""
    query = select(step_output.c.name, step_output.c.media).where(step_output.c.digest == digest).limit(1)
    row = connection.execute(query).first()
    return (row.name, row.media) if row else None


@dataclass(frozen=True, slots=True)
class Short:
    """A version of data, in short."""

    number: int
    rows: int
    batches: Sequence[str]
    verdict: str | None
    remedy: str | None
    reason: str | None
    created_at: datetime


def versions(connection: Connection, dataset: str, *, most: int) -> list[Short]:
    """The newest versions of a dataset, newest first."""
    query = select(*(version.c[name] for name in Short.__slots__)).where(version.c.dataset == dataset)
    return [Short(*row) for row in connection.execute(query.order_by(version.c.number.desc()).limit(most))]


def judging_run(connection: Connection, dataset: str, number: int) -> str | None:
    """The run that judged a version last: the newest whose collect step gave it and whose validation ended."""
    collected, judged = step_run.alias(), step_run.alias()
    query = (
        select(judged.c.run_id)
        .join(collected, collected.c.run_id == judged.c.run_id)
        .join(run, run.c.id == judged.c.run_id)
        .where(run.c.lifecycle == dataset, collected.c.step == "collect", judged.c.step == "validate")
        .where(collected.c.facts["version"].as_integer() == number)
        .where(judged.c.state.in_(("done", "reused", "blocked")))
        .order_by(judged.c.id.desc())
        .limit(1)
    )
    return connection.execute(query).scalar()


def asked(connection: Connection) -> list[str]:
    """Models of which any release is on record, made or not."""
    query = select(release.c.model).distinct().order_by(release.c.model)
    return [row.model for row in connection.execute(query)]
