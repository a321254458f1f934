"""What a version does, and to whom: metrics, slices, groups, calibration, sensitivity, dominance."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import altair as alt

from noria.analyze import charts as drawn
from noria.analyze.report import RATES
from noria.errors import NotFound
from noria.report import charts as shared
from noria.stats.metrics import METRICS
from noria.ui import charts, find, kept
from noria.ui.ask import Ask, File, Shown

SHOWN = 60  # slices


def page(ask: Ask) -> Shown:
    """The analysis of a version, on rows that nothing was learned from."""
    version, found, _ = _analysis(ask, ask.name("name"))
    metrics = [
        {"metric": name, "value": value, "low": low, "high": high}
        for name, value in found["metrics"].items()
        for low, high in [found["intervals"].get(name) or (None, None)]
    ]
    slices = found["slices"]
    names = list(dict.fromkeys(name for one in slices for name in one["metrics"]))
    report = kept.digest(ask.place, version.run_id, "analyze", "report.html")
    return Shown("analysis.html", {
        "version": version, "metrics": metrics, "disjoint": found["disjoint"], "task": found["task"],
        "positive": found.get("positive"), "fairness": found["fairness"], "rates": RATES,
        "slices": slices[:SHOWN], "slice_metrics": names[:5], "more_slices": max(0, len(slices) - SHOWN),
        "found": found["found"], "dominated": found.get("dominated", [])[:SHOWN],
        "sensitivity": found["sensitivity"], "importance": found["importance"] or [],
        "calibration": found["calibration"], "report": report,
    })  # fmt: skip


def _analysis(ask: Ask, name: str) -> tuple[Any, dict[str, Any], str]:
    """A version, what its analysis found, and that finding's digest."""
    with ask.place.store.read() as c:
        version = find.model(c, name)
    digest = kept.digest(ask.place, version.run_id, "analyze", "analysis.json")
    found = None if digest is None else kept.read(ask.place, digest)
    if digest is None or found is None:
        what = f"{version.model}@{version.number} was not analyzed here"
        raise NotFound(what, where="pages", do="Only a version that a run made has an analysis.")
    return version, found, digest


def _drawn(ask: Ask, build: Callable[[dict[str, Any]], Any]) -> File | Shown:
    """A chart of the analysis of the version that is asked for; ``build`` gives None where there is nothing to draw."""
    _, found, digest = _analysis(ask, ask.query("of"))
    return charts.once(ask, digest, lambda: build(found))


def fairness_chart(ask: Ask) -> File | Shown:
    """One rate of each group of a protected column, as a dot with its interval."""

    def build(found: dict[str, Any]) -> Any:
        between = found["fairness"].get(ask.query("column"))
        if between is None:
            return None
        known = list(between["groups"][0]["rates"])
        rate = ask.query("rate") if ask.query("rate") in known else known[0]
        return drawn.rates(between["groups"][:40], rate)

    return _drawn(ask, build)


def calibration_chart(ask: Ask) -> File | Shown:
    """Said against seen."""
    return _drawn(ask, _calibration)


def _calibration(found: dict[str, Any]) -> Any:
    if not found["calibration"]:
        return None
    return shared.calibration(found["calibration"]["bins"], shares=found["task"] != "regression")


def importance_chart(ask: Ask) -> File | Shown:
    """Which features count."""
    return _drawn(ask, lambda found: shared.importance(found["importance"]) if found["importance"] else None)


def sensitivity_chart(ask: Ask) -> File | Shown:
    """How much a small change of each feature changes the answer."""
    return _drawn(ask, _sensitivity)


def _sensitivity(found: dict[str, Any]) -> Any:
    rows = _bars(found["sensitivity"])
    if not rows:
        return None
    bars = alt.Chart(alt.Data(values=rows)).mark_bar(color="#e0752d")
    chart = bars.encode(
        x=alt.X("share:Q", title=None, axis=alt.Axis(format="%") if rows[0]["flips"] else alt.Axis()),
        y=alt.Y("feature:N", sort="-x", title=None),
        tooltip=["feature:N", "share:Q"],
    )
    return chart.properties(width=480)


def _bars(found: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    flips = any(one["flipped"] is not None for one in found)
    key = "flipped" if flips else "change"
    return [{"feature": one["feature"], "share": one[key] or 0.0, "flips": flips} for one in found[:25]]


def slices_chart(ask: Ask) -> File | Shown:
    """One metric of the worst slices, the worst first, with intervals where they are known."""
    return _drawn(ask, lambda found: _worst(found, ask.query("metric")))


def _worst(found: dict[str, Any], asked: str) -> Any:
    wanted = asked or ("rmse" if found["task"] == "regression" else "accuracy")
    sign = 1 if wanted not in METRICS or METRICS[wanted].larger_is_better else -1
    slices = [one for one in found["slices"] if one["metrics"].get(wanted) is not None and one["judged"]]
    slices.sort(key=lambda one: sign * one["metrics"][wanted])
    rows = [
        {"name": f"{one['column']} = {one['group']}", "value": one["metrics"].get(wanted), **_span(one, wanted)}
        for one in slices[:18]
    ]
    return shared.intervals(rows) if rows else None


def _span(one: Mapping[str, Any], wanted: str) -> dict[str, Any]:
    held = one.get("accuracy_interval") if wanted == "accuracy" else None
    low, high = held or (one["metrics"].get(wanted),) * 2
    return {"low": low, "high": high}
