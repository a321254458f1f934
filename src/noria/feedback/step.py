"""Feedback: what is live, measured by the labels that have arrived."""

from typing import Any

from noria.data import captured, table
from noria.feedback.performance import measure
from noria.feedback.trigger import retrain
from noria.plan import Step
from noria.store import registry, routes
from noria.store.attempt import Alert, Attempt

FORMAT = 2
USES: dict[str, tuple[str, ...]] = {"deploy": ("endpoint",)}


def observe(world: Any, step: Step) -> list[int]:
    """The newest commits of the captured tables, and the revision of the route."""
    with world.store.read() as c:
        route = routes.newest(c, world.lifecycle)
    return [
        *(table.version_of(captured.path(world.settings, world.lifecycle, k)) for k in ("predictions", "feedback")),
        route.revision if route else 0,
    ]


def run(attempt: Attempt) -> None:
    """Join labels to predictions and measure each version."""
    joined = captured.joined(attempt.settings, attempt.lifecycle)
    found = measure(joined, attempt.schema.task) if joined.height else []
    labelled = sum(entry["labelled"] for entry in found)
    attempt.save_json("performance.json", {"versions": found})
    attempt.facts.update(
        joined=labelled,
        unlabelled=joined.height - labelled,
        metrics={f"version {entry['version']}": entry.get("metrics", {}).get("accuracy") for entry in found},
    )
    with attempt.store.read() as c:
        released = {v.number: v.metrics for v in registry.versions(c, attempt.lifecycle)}
        route = routes.newest(c, attempt.lifecycle)
    live = [entry for entry in found if route is not None and str(entry["version"]) in route.weights]
    why = retrain(attempt.config.retrain, live, released)
    if why:
        attempt.alert(Alert("warn", why, attempt.lifecycle, "Turn the wheel: noria run FILE", {"versions": found}))
