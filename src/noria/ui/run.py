"""Runs: what each step did, why, how long it took and what it left; and another turn, started from here."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection

from noria.digest import Digest
from noria.errors import BadInput, NotFound
from noria.plan import PREPARES, run_id
from noria.run import printed
from noria.run.fingerprint import changes
from noria.run.local import EXPLAINED, REMEDIES
from noria.run.summary import summary
from noria.store import alerts, audit, orchestrated, overview, runs
from noria.store.attempt import Output
from noria.store.runs import Run, StepRun
from noria.ui import find, timeline
from noria.ui.ask import Ask, File, Gone, Shown
from noria.ui.door import RELEASE
from noria.ui.turns import Wish
from noria.ui.words import marked

PAGE = 50  # runs
MOST_ALERTS = 500


@dataclass(frozen=True, slots=True)
class Done:
    """A step run as the page tells it; ``part`` is its number, or its name, if it is a part of a step; ``log`` the last
    of what it printed, if it ran where these pages are."""

    step: StepRun
    part: str
    said: str
    needs: Sequence[str]
    outputs: Mapping[str, Output]
    asked: Mapping[str, Any]
    log: str


def listing(ask: Ask) -> Shown:
    """All runs, newest first, of one lifecycle or of all."""
    wanted, before = ask.query("lifecycle"), ask.number("before", 0)
    with ask.place.store.read() as c:
        names = overview.lifecycles(c)
        if wanted:
            find.lifecycle(c, wanted)
        found = overview.heads(c, wanted or None, most=PAGE, before=before or None)
        states = overview.states(c, [one.id for one in found])
        counts = overview.counts(c)
    more = found[-1].number if wanted and len(found) == PAGE else None
    values = {"runs": found, "states": states, "lifecycles": names, "lifecycle": wanted, "counts": counts, "more": more}
    busy = {name: ask.turns.busy(name) for name in names[:PAGE]}
    return Shown("runs.html", {**values, "busy": busy, "newest": _newest(found, wanted)})


def _newest(found: Sequence[overview.Head], wanted: str) -> int:
    return next((one.number for one in found if one.lifecycle == wanted), 0)


def one(ask: Ask) -> Shown:
    """One run; one that was started here and is not on record yet shows what it printed so far."""
    id = ask.name("run")
    with ask.place.store.read() as c:
        try:
            run = runs.get(c, id)
        except NotFound as error:
            started = ask.turns.of(id)
            if started is None:
                known = [one.id for one in overview.heads(c, most=200)]
                raise find.unknown("run", id, known) from error
            return Shown("run_starting.html", {"run": id, "started": started, "printed": ask.turns.printed(id),
                                               "busy": ask.turns.busy(started.lifecycle)})  # fmt: skip
        return Shown("run.html", _whole(ask, c, run))


def _whole(ask: Ask, c: Connection, run: Run) -> dict[str, Any]:
    steps = runs.steps(c, run.id)
    shown = [one for step in steps for one in (*_parts(c, run, step), step)]
    newest = overview.heads(c, run.lifecycle, most=1)[0]
    told = [one for one in alerts.newest(c, run.lifecycle, most=MOST_ALERTS) if one.run_id == run.id]
    others = [one.id for one in overview.heads(c, run.lifecycle, most=20) if one.id != run.id]
    blocked = next((one for one in steps if one.state == "blocked"), None)
    stopped = run.state == "stopped" and newest.id == run.id and blocked is not None
    head = {name: getattr(run, name) for name in overview.Head.__slots__}
    return {
        "run": head,
        "bundle": run.plan.bundle,
        "airflow": orchestrated.of_run(c, run.id),
        "steps": [_done(ask, c, run, one) for one in shown],
        "bars": timeline.bars(shown, ask.place.clock.now()),
        "alerts": told,
        "others": others,
        "newest": newest.number,
        "is_newest": newest.id == run.id,
        "remedies": remedies(blocked) if stopped else [],
        "may_go_on": run.state in ("stopped", "failed") and newest.id == run.id,
        "approve": _waiting(c, run, blocked) if stopped else None,
        "started": ask.turns.of(run.id),
        "printed": ask.turns.printed(run.id),
        "busy": ask.turns.busy(run.lifecycle),
    }


def _parts(c: Connection, run: Run, step: StepRun) -> list[StepRun]:
    """The parts of a divided step that were begun: they come before it."""
    return runs.parts(c, run.id, step.step) if run.plan.step(step.step).shards > 1 else []


def _done(ask: Ask, c: Connection, run: Run, one: StepRun) -> Done:
    plan = run.plan.step(one.step)
    wanted = {name: value for name, value in _asked(plan.resources).items() if value is not None}
    said = "" if one.shard else summary(one.step, one.facts)
    part = str(one.shard) if one.shard > 0 else PREPARES[one.step] if one.shard else ""
    log = printed.tail(ask.place.settings.home, run.id, one.step, one.shard)
    return Done(one, part, said, plan.needs, runs.result(c, one.id).outputs, wanted, log)


def _asked(resources: Any) -> dict[str, Any]:
    return {
        "cpu": resources.cpu,
        "memory_mb": resources.memory_mb,
        "gpu": resources.gpu or None,
        "pool": resources.pool,
    }


def remedies(blocked: StepRun | None) -> list[str]:
    """What may be done about data that stopped a run: about labels that moved all of it, about anything else not."""
    if blocked is None or blocked.step != "validate":
        return []
    moved = "share of label" in (blocked.message or "")
    return [word for word in REMEDIES if word != "none" and (moved or word in EXPLAINED)]


def _waiting(c: Connection, run: Run, blocked: StepRun | None) -> str | None:
    """The release that waits for a person in this run, if one does."""
    if blocked is None or blocked.step != "release" or (blocked.facts or {}).get("decision") != "waiting":
        return None
    return str((blocked.facts or {}).get("release"))


def compare(ask: Ask) -> Shown:
    """Two runs of one lifecycle: what was different, and what came of it."""
    with ask.place.store.read() as c:
        a, b = runs.get(c, ask.name("run")), runs.get(c, ask.query("with"))
        if a.lifecycle != b.lifecycle:
            raise BadInput(f"{a.id} and {b.id} are of different lifecycles", where="pages", do="Compare two of one.")
        sides = [{one.step: one for one in runs.steps(c, run.id)} for run in (a, b)]
        left = [{word: runs.result(c, one.id).outputs for word, one in side.items()} for side in sides]
    rows = [_compared(word, [side.get(word) for side in sides], [one.get(word, {}) for one in left])
            for word in dict.fromkeys([*sides[0], *sides[1]])]  # fmt: skip
    return Shown("compare_runs.html", {"a": a.id, "b": b.id, "steps": rows})


def _compared(word: str, sides: Sequence[StepRun | None], left: Sequence[Mapping[str, Output]]) -> dict[str, Any]:
    said = [changes(*(dict(one.ingredients or {}) for one in sides if one))] if all(sides) else [[]]
    took = [_took(one) for one in sides]
    facts = [_flat(one.facts or {}) if one else {} for one in sides]
    names = dict.fromkeys([*facts[0], *facts[1]])
    other = {
        name: (facts[0].get(name), facts[1].get(name)) for name in names if facts[0].get(name) != facts[1].get(name)
    }
    files = dict.fromkeys([*left[0], *left[1]])
    same = [
        name for name in files if name in left[0] and name in left[1] and left[0][name].digest == left[1][name].digest
    ]
    return {
        "step": word,
        "states": [one.state if one else None for one in sides],
        "seconds": took,
        "changes": said[0],
        "facts": dict(list(other.items())[:40]),
        "outputs": {"same": same, "other": [name for name in files if name not in same]},
    }


def _flat(facts: Mapping[str, Any]) -> dict[str, Any]:
    """Facts with those inside of them, one deep; no long lists."""
    found: dict[str, Any] = {}
    for key, value in facts.items():
        if isinstance(value, Mapping) and len(value) < 40:
            found |= {f"{key} {name}": one for name, one in value.items() if not isinstance(one, Mapping | list)}
        elif not isinstance(value, list | Mapping):
            found[key] = value
    return found


def _took(one: StepRun | None) -> float | None:
    if one is None or one.started_at is None or one.ended_at is None or one.state == "reused":
        return None
    return (one.ended_at - one.started_at).total_seconds()


def turn(ask: Ask) -> Gone:
    """Start a turn, with a remedy if one is given; it goes on when these pages end."""
    ask.must(RELEASE)
    lifecycle, remedy = ask.name("lifecycle"), ask.given("remedy")
    person = ask.person()
    if remedy and remedy not in REMEDIES:
        raise BadInput(f"no remedy {remedy[:40]!r}", where="form", do=f"Remedies are {', '.join(REMEDIES)}.")
    expected = find.number(ask.given("expected")) or 0
    with ask.place.store.read() as c:
        find.lifecycle(c, lifecycle)
        next_id = _next(c, lifecycle)
    wish = Wish(lifecycle, expected, person.name, remedy, person.reason)
    started = ask.turns.start(wish, next_id)
    with ask.place.store.begin() as c:
        audit.record(
            c, ask.place.clock, actor=person.name, action="turn", subject=f"run:{started.run}",
            after={"remedy": remedy or None}, reason=person.reason,
        )  # fmt: skip
    return Gone(f"/run/{started.run}", marked("The turn has begun."))


def _next(c: Connection, lifecycle: str) -> str:
    """The id of the run that a turn makes, or goes on with: as ``noria run`` decides it."""
    head = overview.heads(c, lifecycle, most=1)[0]
    decided = head.state == "stopped" and all(one.state != "blocked" for one in runs.steps(c, head.id))
    return head.id if decided or head.state == "running" else run_id(lifecycle, head.number + 1)


def artifact(ask: Ask) -> File:
    """An output as it is: pages are shown, everything else is for keeping."""
    digest = ask.name("digest")
    with ask.place.store.read() as c:
        found = overview.output(c, digest)
    if found is None:
        raise find.unknown("artifact", digest, [])
    name, media = found
    data = ask.place.artifacts.get(Digest(digest))
    shown = media in ("text/html", "application/json", "image/svg+xml", "text/plain")
    return File(data, media, "" if shown else name)
