"""Feedback: what is live, measured by the labels that have arrived."""

from typing import Any

from noria.data import captured, table
from noria.feedback.performance import measure
from noria.feedback.trigger import retrain
from noria.plan import Step
from noria.store import registry
from noria.store.attempt import Alert, Attempt

FORMAT = 1
USES: dict[str, tuple[str, ...]] = {"deploy": ("endpoint",)}


def observe(world: Any, step: Step) -> list[int]:
    """The newest commits of the captured tables."""
    return [
        table.version_of(captured.path(world.settings, world.lifecycle, kind)) for kind in ("predictions", "feedback")
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
    why = retrain(attempt.config.retrain, found, released)
    if why:
        attempt.alert(Alert("warn", why, attempt.lifecycle, "Turn the wheel: noria run FILE", {"versions": found}))
