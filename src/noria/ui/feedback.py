"""What is live, measured: performance and drift over time by version and slice, and what is expected without labels."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection

from noria.data.schema import Schema
from noria.feedback.drift import Drifted
from noria.feedback.look import DO_NOT_APPLY, Asked, Performance, commits, look
from noria.feedback.performance import SLICE, VARIANT, Measured
from noria.feedback.report import main_metric, trend
from noria.report import charts as shared
from noria.stats.interval import Span
from noria.store import routes, runs
from noria.ui import charts, find
from noria.ui.ask import Ask, File, Shown
from noria.ui.slow import Known

SHOWN = 60  # slices
SHOWN_DRIFT = 30  # columns of a version


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
        known = performance(ask, c, name)
    found: Performance | None = known.value
    values = {"route": route, "counting": not known.fresh, "trouble": known.trouble, "found": None}
    if found is None:
        return Shown("feedback.html", values)
    metric = main_metric(found)
    return Shown("feedback.html", {
        **values,
        "found": found.plain(),
        "metric": metric,
        "versions": [_row(one, metric, found) for one in found.versions],
        "variants": [_row(one, metric, found) for one in found.by(VARIANT)],
        "slices": [_row(one, metric, found) for one in found.by(SLICE)][:SHOWN],
        "windows": len({one["at"] for one in trend(found, metric)}),
        "drift": [{**one.plain(), "inputs": one.plain()["inputs"][:SHOWN_DRIFT]} for one in found.drift],
        "drift_over_time": [_window(one) for one in found.drift_over_time][:SHOWN],
        "no_estimate": DO_NOT_APPLY.get(found.task, ""),
    })  # fmt: skip


def performance(ask: Ask, c: Connection, name: str) -> Known:
    """What is measured of an endpoint, and whether newer answers are being counted."""
    plans = [one.plan for one in runs.newest(c, name)]
    asked = Asked.of_plan(plans[0]) if plans else Asked(Schema(label=""))
    place = ask.place
    return ask.slow.get(
        ("live", name),
        commits(place.settings, name),
        lambda: look(place.settings, place.store, place.artifacts, name, asked),
    )


def _row(one: Measured, metric: str, found: Performance) -> dict[str, Any]:
    return {
        "version": one.version,
        "name": one.name,
        "predictions": one.predictions,
        "labelled": one.labelled,
        "unlabelled": one.unlabelled,
        "measured": span(one.metrics, metric),
        "estimated": span(one.estimated, metric),
        "released": found.released.get(one.version, {}).get(metric),
        "rating": one.ratings.mean if one.ratings else None,
    }


def _window(one: Drifted) -> dict[str, Any]:
    moved = [each.column for each in one.moved]
    return {
        **one.plain(),
        "moved": moved[:SHOWN_DRIFT],
        "more": len(moved[SHOWN_DRIFT:]),
    }


def span(spans: Mapping[str, Span], metric: str) -> dict[str, float] | None:
    """A value with its interval, as plain data."""
    found = spans.get(metric)
    return None if found is None else {"value": found.value, "low": found.low, "high": found.high}


def time_chart(ask: Ask) -> File | Shown:
    """The metric over time, measured and estimated, a line a version."""
    found = _found(ask)
    rows = trend(found, main_metric(found)) if found else []
    return charts.answer(ask, shared.over_time(rows, main_metric(found).replace("_", " ")) if rows and found else None)


def slices_chart(ask: Ask) -> File | Shown:
    """The metric of each slice, as a dot with its interval."""
    found = _found(ask)
    if found is None:
        return charts.answer(ask, None)
    metric = main_metric(found)
    versions = ask.query("version")
    rows = [
        {"name": one.name, **part}
        for one in found.by(SLICE)[:SHOWN]
        if str(one.version) == versions and (part := span(one.metrics, metric)) is not None
    ][:24]
    return charts.answer(ask, shared.intervals(rows) if rows else None)


def _found(ask: Ask) -> Performance | None:
    name = ask.query("of")
    with ask.place.store.read() as c:
        find.endpoint(c, name)
        known = performance(ask, c, name)
    found: Performance | None = known.value
    return found
