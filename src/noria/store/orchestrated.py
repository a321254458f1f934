"""Runs that an orchestrator turns: what was exported for it, which of its runs is which of ours, and who took what."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Table, select
from sqlalchemy.dialects import postgresql, sqlite

from noria.clock import Clock
from noria.digest import Digest
from noria.plan import Plan
from noria.store.tables import cycle, exported, orchestrated


@dataclass(frozen=True, slots=True)
class Orchestrated:
    """The orchestrator's names of a run: its pipeline, its run there, and why that was started."""

    run_id: str
    dag_id: str
    dag_run: str
    because: str
    plan: str
    at: datetime


def export(connection: Connection, clock: Clock, plan: Plan, digest: str) -> None:
    """Keep on record that an orchestrator may begin this plan; saying it again changes nothing."""
    _once(connection, exported, lifecycle=plan.lifecycle, plan=digest, bundle=plan.bundle, at=clock.now())


def exports(connection: Connection) -> list[tuple[str, str, str]]:
    """Lifecycle, digest of the plan, digest of its code bundle: of all that was exported."""
    rows = connection.execute(select(exported).order_by(exported.c.lifecycle, exported.c.at))
    return [(row.lifecycle, row.plan, row.bundle) for row in rows]


def record(connection: Connection, one: Orchestrated) -> None:
    """Keep which run of the orchestrator turns a run."""
    _once(connection, orchestrated, **{name: getattr(one, name) for name in one.__slots__})


def of_run(connection: Connection, run_id: str) -> Orchestrated | None:
    """Who turns a run; None: it was not begun by an orchestrator."""
    row = connection.execute(select(orchestrated).where(orchestrated.c.run_id == run_id)).mappings().first()
    return Orchestrated(**row) if row else None


def key_of(observed: Any) -> str:
    """What a cycle is about, as a digest: what the sources offer, and what was left out since."""
    return Digest.of_json(observed).hex


def claim(connection: Connection, clock: Clock, lifecycle: str, key: str, run_id: str) -> str:
    """Take what there is to turn, if nobody has: the id of the run that has it now.

    Of several that claim the same at the same moment exactly one gets it, on every engine: the others wait for its
    transaction.
    """
    _once(connection, cycle, lifecycle=lifecycle, key=key, run_id=run_id, at=clock.now())
    holder = taken(connection, lifecycle, key)
    assert holder is not None, "a row that conflicts, or the one just written, is there"
    return holder


def taken(connection: Connection, lifecycle: str, key: str) -> str | None:
    """The run that took this, or None."""
    query = select(cycle.c.run_id).where(cycle.c.lifecycle == lifecycle, cycle.c.key == key)
    found: str | None = connection.execute(query).scalar()
    return found


def _once(connection: Connection, table: Table, **values: Any) -> None:
    insert = postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
    connection.execute(insert(table).values(**values).on_conflict_do_nothing())
