"""Feedback: what is live, measured by the labels that have arrived."""

from typing import Any

from noria.feedback import report
from noria.feedback.look import Asked, Performance, commits, look
from noria.feedback.trigger import Evidence, calls
from noria.plan import Step
from noria.store import routes
from noria.store.attempt import Alert, Attempt

FORMAT = 4
USES: dict[str, tuple[str, ...]] = {"deploy": ("endpoint",)}
DO = "Turn the wheel: noria run FILE; 'noria watch FILE' does it by itself."


def observe(world: Any, step: Step) -> list[int]:
    """The newest commits of the captured tables, and the revision of the route."""
    with world.store.read() as c:
        route = routes.newest(c, world.lifecycle)
    return [*commits(world.settings, world.lifecycle), route.revision if route else 0]


def run(attempt: Attempt) -> None:
    """Join labels to predictions and measure each version; tell what calls for another turn."""
    asked = Asked.declared(attempt.schema, attempt.config_of)
    found = look(attempt.settings, attempt.store, attempt.artifacts, attempt.lifecycle, asked)
    attempt.save_json("performance.json", found.plain())
    labelled = sum(one.labelled for one in found.versions)
    attempt.facts.update(
        joined=labelled,
        unlabelled=sum(one.predictions for one in found.versions) - labelled,
        metrics={
            f"version {one.version}": one.metrics["accuracy"].value if "accuracy" in one.metrics else None
            for one in found.versions
        },
    )
    if found.versions:
        attempt.save("report.html", report.report(found), "text/html")
    _tell(attempt, found)


def _tell(attempt: Attempt, found: Performance) -> None:
    with attempt.store.read() as c:
        route = routes.newest(c, attempt.lifecycle)
    live = set() if route is None else {int(number) for number in route.weights}
    evidence = Evidence(
        live=[one for one in found.versions if one.version in live],
        released=found.released,
        drift=[one for one in found.drift if one.version in live],
    )
    for call in calls(attempt.config, evidence, (), attempt.clock.now()):
        if call.trigger != "schedule":
            versions = [one.plain() for one in found.versions]
            attempt.alert(Alert("warn", call.why, attempt.lifecycle, DO, {"versions": versions}))
