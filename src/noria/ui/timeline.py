"""The steps of a run on one line of time: how long each waited, and how long it worked. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

WIDTH = 1000.0  # units from the first moment to the last
LEAST = 3.0  # of a bar, so that a short one is seen


@dataclass(frozen=True, slots=True)
class Bar:
    """A step: where its waiting, its work and their end are, in units of ``WIDTH``; None where it has none."""

    step: str
    shard: int
    state: str
    ready: float | None
    start: float | None
    end: float | None
    waited_s: float | None
    worked_s: float | None


def bars(steps: Sequence[Any], now: datetime) -> list[Bar]:
    """One bar a step run; what is still at work ends now."""
    times = [at for one in steps for at in (one.ready_at, one.started_at, one.ended_at) if at is not None]
    if not times:
        return [Bar(one.step, one.shard, one.state, None, None, None, None, None) for one in steps]
    first, last = min(times), max(times)
    if any(one.state == "running" for one in steps):
        last = max(last, now)
    scale = WIDTH / max((last - first).total_seconds(), 1e-9)

    def at(moment: datetime | None) -> float | None:
        return None if moment is None else round((moment - first).total_seconds() * scale, 1)

    return [_bar(one, at, last) for one in steps]


def _bar(one: Any, at: Any, last: datetime) -> Bar:
    end = one.ended_at or (last if one.state == "running" else None)
    start = one.started_at if one.state != "reused" else None
    waited = (start - one.ready_at).total_seconds() if start and one.ready_at else None
    worked = (end - start).total_seconds() if start and end else None
    x, y = at(start), at(end)
    if x is not None and y is not None and y - x < LEAST:
        x, y = min(x, WIDTH - LEAST), min(x, WIDTH - LEAST) + LEAST
    return Bar(one.step, one.shard, one.state, at(one.ready_at), x, y, waited, worked)
