"""What is live, measured: performance by version, how much has no label yet, and what was promised at release."""

from typing import Any

from sqlalchemy import Connection

from noria.data import captured
from noria.feedback.shadow import compare
from noria.report import charts as shared
from noria.store import registry, routes, runs
from noria.ui import charts, find
from noria.ui.ask import Ask, File, Shown
from noria.ui.home import measured


def listing(ask: Ask) -> Shown:
    """All endpoints whose answers are measured."""
    with ask.place.store.read() as c:
        found = [one.endpoint for one in routes.all_newest(c)]
    return Shown("feedbacks.html", {"endpoints": found})


def one(ask: Ask) -> Shown:
    """One endpoint's live performance."""
    name = ask.name("endpoint")
    with ask.place.store.read() as c:
        route = find.endpoint(c, name)
        task = task_of(c, name)
        released = {version.number: version.metrics for version in registry.versions(c, name)}
    marks = captured.versions(ask.place.settings, name)
    live = ask.slow.get(("live", name), marks, lambda: measured(ask, name, task))
    shadows = ask.slow.get(("shadow", name), marks, lambda: compare(captured.shadowed(ask.place.settings, name), task))
    return Shown("feedback.html", {
        "route": route, "task": task, "live": live.value or [], "counting": not live.fresh, "released": released,
        "shadows": shadows.value or [], "trouble": live.trouble or shadows.trouble,
    })  # fmt: skip


def task_of(c: Connection, name: str) -> str:
    """The task that the newest run of a lifecycle declares."""
    plans = [one.plan for one in runs.newest(c, name)]
    return str(plans[0].step("collect").config["schema"]["task"]) if plans else "classification"


def accuracy_chart(ask: Ask) -> File | Shown:
    """How often each version is right, as a dot with its interval."""
    name = ask.query("of")
    with ask.place.store.read() as c:
        find.endpoint(c, name)
        task = task_of(c, name)
    marks = captured.versions(ask.place.settings, name)
    live: Any = ask.slow.get(("live", name), marks, lambda: measured(ask, name, task)).value or []
    rows = [
        {"name": f"{one['version']}", "value": one["metrics"]["accuracy"], "low": one["accuracy_interval"][0],
         "high": one["accuracy_interval"][1]}
        for one in live
        if "accuracy_interval" in one
    ]  # fmt: skip
    return charts.answer(ask, shared.intervals(rows) if rows else None)
