"""What is told outside when a run or a step begins and ends: OpenLineage, StatsD, and alerts of runs that failed.

Whatever runs the step, it is told from here, out of the records. A listener that is away never fails a run, and never
holds it up longer than ``LIMIT_S``.
"""

import json
import socket
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from urllib.parse import urlsplit

from noria.digest import Digest
from noria.run import notify, openlineage
from noria.run.openlineage import Seen, seconds
from noria.run.place import Place
from noria.store import alerts, runs
from noria.store.alerts import Sent
from noria.store.attempt import Result
from noria.store.runs import Run, StepRun

LIMIT_S = 2.0
PATH = "/api/v1/lineage"
_away: set[str] = set()  # listeners that did not answer: a process asks each only once


def run_began(place: Place, run: Run) -> None:
    """Tell that a run was opened."""
    if place.settings.lineage:
        _post(place, openlineage.run_event(run, "START", run.started_at))


def run_ended(place: Place, run: Run) -> list[str]:
    """Tell what a run came to; of one that failed, as an alert too. Sentences about channels that did not answer."""
    ended = run.ended_at or place.clock.now()
    if place.settings.lineage:
        _post(place, openlineage.run_event(run, openlineage.end_of(run.state), ended))
    lasted = seconds(run.started_at, ended)
    _measure(
        place, [f"{run.lifecycle}.run.{run.state}:1|c", f"{run.lifecycle}.run.duration:{1000 * (lasted or 0):.0f}|ms"]
    )
    return _alarm(place, run) if run.state == "failed" else []


def step_began(place: Place, run: Run, step: StepRun, inputs: Mapping[str, Result]) -> None:
    """Tell that an attempt at a step began."""
    if place.settings.lineage:
        seen = Seen(run, step, inputs, Result({}, {}), place.settings.data)
        _post(place, openlineage.step_event(seen, "START", step.started_at or place.clock.now()))


def step_ended(place: Place, run: Run, step: StepRun, inputs: Mapping[str, Result]) -> None:
    """Tell how an attempt at a step ended."""
    _measure(place, list(_of_step(run, step)))
    if not place.settings.lineage:
        return
    with place.store.read() as c:
        result = runs.result(c, step.id)
    seen = Seen(run, step, inputs, result, place.settings.data)
    if step.state == "reused":  # it was never begun: the specification wants both
        _post(place, openlineage.step_event(seen, "START", step.ended_at or place.clock.now()))
    _post(place, openlineage.step_event(seen, openlineage.end_of(step.state), step.ended_at or place.clock.now()))


def _alarm(place: Place, run: Run) -> list[str]:
    with place.store.read() as c:
        tries = sum(step.attempt for step in runs.steps(c, run.id))  # closed twice it is told once, tried again anew
    alert = Sent(
        id=Digest.of_json([run.id, "failed", tries]).hex[:32],
        lifecycle=run.lifecycle,
        run_id=run.id,
        step=None,
        severity="block",
        what=f"run {run.number} of {run.lifecycle} failed: {run.message or 'it was given up'}",
        where=f"run {run.id}",
        evidence={"trigger": run.trigger},
        do="Mend it and run it again; finished steps are kept.",
        at=run.ended_at or place.clock.now(),
    )
    with place.store.begin() as c:
        fresh = alerts.add(c, alert)
    return notify.send(place, [alert]) if fresh else []


def _of_step(run: Run, step: StepRun) -> Iterator[str]:
    name = f"{run.lifecycle}.{step.step}"
    yield f"{name}.{step.state}:1|c"
    for word, start, end in (("duration", step.started_at, step.ended_at), ("waiting", step.ready_at, step.started_at)):
        took = seconds(start, end)
        if took is not None:
            yield f"{name}.{word}:{1000 * took:.0f}|ms"
    if step.peak_memory_mb is not None:
        yield f"{name}.memory_mb:{step.peak_memory_mb:.0f}|g"


def _measure(place: Place, lines: list[str]) -> None:
    """Send StatsD lines; UDP waits for nobody."""
    where = place.settings.statsd
    if not where or where in _away:
        return
    host, _, port = where.rpartition(":")
    try:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as out:
            for line in lines:
                out.sendto(f"noria.{line}".encode(), (host or "127.0.0.1", int(port)))
    except (OSError, ValueError) as error:
        _give_up(where, f"StatsD at {where}", error)


def _post(place: Place, event: object) -> None:
    url = place.settings.lineage
    if url in _away:
        return
    address = url if urlsplit(url).path.strip("/") else url.rstrip("/") + PATH
    headers = {"Content-Type": "application/json"}
    if place.settings.lineage_key:
        headers["Authorization"] = f"Bearer {place.settings.lineage_key}"
    body = json.dumps(event, default=str, allow_nan=False).encode()
    try:
        with urllib.request.urlopen(urllib.request.Request(address, body, headers), timeout=LIMIT_S):  # noqa: S310
            return
    except (OSError, ValueError) as error:
        _give_up(url, f"OpenLineage at {urlsplit(url).hostname}", error)


def _give_up(where: str, what: str, error: Exception) -> None:
    _away.add(where)
    print(f"noria: {what} did not take an event: {error}. The run goes on; its records are kept.", file=sys.stderr)


def forget() -> None:
    """Ask listeners again that did not answer before."""
    _away.clear()
