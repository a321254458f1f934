"""The wheel: what is live, whether it is still good, what waits for a person, why the last turn stopped."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from noria.feedback.look import Performance
from noria.feedback.report import main_metric
from noria.release import approve
from noria.run.summary import summary
from noria.store import alerts, overview, registry, routes, runs
from noria.store.alerts import Sent
from noria.store.overview import Arrival, Head
from noria.ui import wheel
from noria.ui.ask import Ask, Shown
from noria.ui.feedback import performance, span
from noria.ui.wheel import Bucket

MOST_WHEELS, MOST_ALERTS = 12, 20
STILL = "stopped"


@dataclass(frozen=True, slots=True)
class Role:
    """A version that answers, or watches: its alias, its share of the traffic in percent, how good it is live."""

    alias: str
    number: int
    share: float
    metrics: Mapping[str, float]
    live: Mapping[str, Any] | None


@dataclass(frozen=True, slots=True)
class Waits:
    """Something a person is to decide about: ``kind`` is approve or remedy."""

    kind: str
    lifecycle: str
    run: str
    about: str
    said: str


@dataclass(frozen=True, slots=True)
class Wheel:
    """One lifecycle, as a glance sees it."""

    lifecycle: str
    run: Head
    buckets: Sequence[Bucket]
    feedback: str
    roles: Sequence[Role]
    arrival: Arrival
    lead_s: float | None
    waits: Sequence[Waits]
    counting: bool
    busy: bool


def page(ask: Ask) -> Shown:
    """All wheels, and the newest alerts."""
    with ask.place.store.read() as c:
        names = overview.lifecycles(c)
        wheels = [_wheel(ask, c, name) for name in names[:MOST_WHEELS]]
        told = [_told(one, wheels) for one in alerts.newest(c, most=MOST_ALERTS)]
    return Shown("home.html", {"wheels": wheels, "alerts": told, "more": names[MOST_WHEELS:]})


def _wheel(ask: Ask, c: Connection, name: str) -> Wheel:
    head = overview.heads(c, name, most=1)[0]
    steps = runs.steps(c, head.id)
    states = {one.step: one.state for one in steps}
    said = {one.step: summary(one.step, one.facts) or one.message or "" for one in steps}
    live, counting = _live(ask, c, name)
    return Wheel(
        name,
        head,
        wheel.buckets(states, said),
        states.get(wheel.FEEDBACK, "waiting"),
        _roles(c, name, live),
        overview.arrival(c, name),
        _lead(c, name),
        _waits(c, head, steps),
        counting,
        ask.turns.busy(name),
    )


def _live(ask: Ask, c: Connection, name: str) -> tuple[dict[int, dict[str, Any]], bool]:
    """What is measured of each version by the task's metric, and whether newer answers are being counted."""
    if routes.newest(c, name) is None:
        return {}, False
    known = performance(ask, c, name)
    found: Performance | None = known.value
    if found is None:
        return {}, not known.fresh
    metric = main_metric(found)
    return {
        one.version: {
            "metric": metric, "predictions": one.predictions, "labelled": one.labelled,
            "measured": span(one.metrics, metric), "estimated": span(one.estimated, metric),
        }
        for one in found.versions
    }, not known.fresh  # fmt: skip


def _roles(c: Connection, name: str, live: Mapping[int, Any]) -> list[Role]:
    aliases, route = registry.aliases(c, name), routes.newest(c, name)
    weights = {int(number): weight for number, weight in (route.weights.items() if route else ())}
    total = sum(weights.values()) or 1
    known = {one.number: one for one in registry.versions(c, name)}
    called = {number: alias for alias, number in aliases.items()}
    numbers = dict.fromkeys([*(n for a in ORDER if (n := aliases.get(a))), *weights])
    return [
        Role(called.get(n, ""), n, 100 * weights.get(n, 0) / total, known[n].metrics, live.get(n))
        for n in numbers
        if n in known
    ]


ORDER = (registry.CHAMPION, registry.CHALLENGER, registry.SHADOW)


def _lead(c: Connection, name: str) -> float | None:
    """Seconds from the arrival of the champion's newest data to its becoming champion."""
    champion = registry.champion(c, name)
    since: datetime | None = overview.alias_since(c, name, registry.CHAMPION)
    if champion is None or since is None or not champion.dataset:
        return None
    came = overview.came(c, champion.dataset, champion.dataset_version)
    return (since - came).total_seconds() if came else None


def _waits(c: Connection, head: Head, steps: Sequence[runs.StepRun]) -> list[Waits]:
    found = []
    asked = approve.waiting(c, head.lifecycle)
    if asked is not None:
        found.append(Waits("approve", head.lifecycle, asked.run_id, asked.id, asked.reason))
    blocked = next((one for one in steps if one.state == "blocked"), None)
    if head.state == STILL and blocked is not None and blocked.step == "validate":
        found.append(Waits("remedy", head.lifecycle, head.id, blocked.step, blocked.message or ""))
    return found


def _told(one: Sent, wheels: Sequence[Wheel]) -> dict[str, Any]:
    """An alert, and what one can do about it now: nothing where the wheel has turned on since."""
    mine = next((wheel for wheel in wheels if wheel.lifecycle == one.lifecycle), None)
    newest = mine is not None and mine.run.id == one.run_id
    action = ""
    if mine is not None and newest:
        kinds = {wait.kind for wait in mine.waits}
        action = "remedy" if one.step == "validate" and "remedy" in kinds else action
        action = "approve" if one.step == "release" and "approve" in kinds else action
        action = "turn" if one.step == "feedback" else action
    return {"alert": one, "action": action, "run_number": mine.run.number if mine else 0}
