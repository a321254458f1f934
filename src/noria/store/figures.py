"""How often steps and runs ended how, how long they took and waited: sums over the records, whatever ran them."""

from dataclasses import dataclass, field

from sqlalchemy import Connection, func, select

from noria.store.tables import run, step_run


@dataclass(slots=True)
class Spent:
    """Seconds that were spent, how often, and the last time."""

    count: int = 0
    total_s: float = 0.0
    last_s: float = 0.0

    def add(self, seconds: float) -> None:
        self.count, self.total_s, self.last_s = self.count + 1, self.total_s + max(seconds, 0.0), max(seconds, 0.0)


@dataclass(slots=True)
class StepFigures:
    """One step of one lifecycle: how often it ended in which state, how long it took and waited, its peak memory."""

    lifecycle: str
    step: str
    states: dict[str, int] = field(default_factory=dict)
    took: Spent = field(default_factory=Spent)
    waited: Spent = field(default_factory=Spent)
    memory_mb: float | None = None


def steps(connection: Connection) -> list[StepFigures]:
    """Figures of every step that ever ran. A step that was reused counts as such, and took nothing."""
    found: dict[tuple[str, str], StepFigures] = {}
    columns = (step_run.c.ready_at, step_run.c.started_at, step_run.c.ended_at, step_run.c.peak_memory_mb)
    query = (
        select(run.c.lifecycle, step_run.c.step, step_run.c.state, *columns)
        .join(run, run.c.id == step_run.c.run_id)
        .order_by(step_run.c.id)
    )
    for lifecycle, step, state, ready, started, ended, memory in connection.execute(query):
        one = found.setdefault((lifecycle, step), StepFigures(lifecycle, step))
        one.states[state] = one.states.get(state, 0) + 1
        if state != "reused" and started and ended:
            one.took.add((ended - started).total_seconds())
            one.memory_mb = memory if memory is not None else one.memory_mb
        if ready and started:
            one.waited.add((started - ready).total_seconds())
    return list(found.values())


def runs(connection: Connection) -> list[tuple[str, str, int]]:
    """Lifecycle, state, and how many of its runs are in it."""
    query = select(run.c.lifecycle, run.c.state, func.count()).group_by(run.c.lifecycle, run.c.state)
    rows = connection.execute(query.order_by(run.c.lifecycle, run.c.state))
    return [(lifecycle, state, count) for lifecycle, state, count in rows]
