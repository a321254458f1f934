"""What is live, as a page."""

from collections.abc import Iterator, Sequence
from math import isfinite
from typing import Any

from noria.feedback.drift import Drifted
from noria.feedback.look import DO_NOT_APPLY, Performance
from noria.feedback.performance import SLICE, VARIANT, WINDOW, Measured
from noria.report.charts import over_time
from noria.report.page import Section, chart, facts, page, table
from noria.stats.interval import Span
from noria.stats.metrics import default

SHOWN = 60  # rows of a table
SHOWN_DRIFT = 8  # columns of a version
HOUR_S = 3600
ESTIMATE = (
    "Estimated is what the answers' own probabilities let expect while labels are missing, corrected by the analysis "
    "rows; it sees that other cases come, not that cases mean something else. Measured is what labels show."
)


def report(found: Performance) -> bytes:
    """The page on an endpoint's live performance."""
    predictions = sum(one.predictions for one in found.versions)
    labelled = sum(one.labelled for one in found.versions)
    lead = f"{predictions:,} predictions, {labelled:,} of them with a label."
    return page(f"What is live: {found.endpoint}", lead, list(_sections(found)))


def main_metric(found: Performance) -> str:
    """The metric that the page is about: the task's own; accuracy if that is not defined for any version."""
    metric = default(found.task)
    known = {name for one in found.versions for name in (*one.metrics, *one.estimated)}
    return metric if metric in known or not known else ("accuracy" if "accuracy" in known else sorted(known)[0])


def tabled(found: Performance, by: str, metric: str) -> tuple[list[str], list[list[Any]]]:
    """The groups of a kind as a table: its heads and rows."""
    return _heads(metric), [_row(one, metric, found) for one in found.by(by)]


def trend(found: Performance, metric: str) -> list[dict[str, Any]]:
    """A metric over the time windows, measured and estimated, a series each a version: what a chart draws."""
    return [
        {"at": one.name, "series": f"version {one.version}{how}", **_ends(span)}
        for one in found.by(WINDOW)
        for how, spans in (("", one.metrics), (" (estimated)", one.estimated))
        if (span := spans.get(metric)) is not None
    ]


def _sections(found: Performance) -> Iterator[Section]:
    metric = main_metric(found)
    body = table(_heads(metric), [_row(one, metric, found) for one in found.versions])
    note = DO_NOT_APPLY.get(found.task, ESTIMATE)
    yield Section("Versions", body + f"<p>{note}</p>")
    rows = trend(found, metric)
    if len({one["at"] for one in rows}) > 1:
        drawn = chart(over_time(rows, metric.replace("_", " ")), f"{metric}, by the week or day of the prediction")
        yield Section("Over time", drawn)
    yield Section("Every metric", table(["version", "metric", "at release", "measured", "estimated"], _all(found)))
    for by, title in ((VARIANT, "Variants"), (SLICE, "Slices"), (WINDOW, "Time windows")):
        groups = found.by(by)[:SHOWN]
        if groups:
            yield Section(title, table(_heads(metric), [_row(one, metric, found) for one in groups]))
    for one in found.drift:
        yield Section(f"Drift of version {one.version}", _drift(one))
    if len({one.window for one in found.drift_over_time}) > 1:
        heads = ["version", "begins", "answers", "what moved", "label shift"]
        yield Section("Drift over time", table(heads, [_window(one) for one in found.drift_over_time]))
    if found.shadows:
        heads = ["version", "predictions", "with a label", metric, "same label", "mean difference"]
        shadows = [
            (s.measured.version, s.measured.predictions, s.measured.labelled, _value(s.measured.metrics.get(metric)),
             s.agreement, s.difference)
            for s in found.shadows
        ]  # fmt: skip
        yield Section("Shadows", table(heads, shadows))
    yield Section("How the truth comes", facts(_late(found)))


def _heads(metric: str) -> list[str]:
    name = metric.replace("_", " ")
    heads = ["version", "", "predictions", "unlabelled", f"{name} (95 %)", f"{name} estimated", "at release", "rating"]
    return heads


def _row(one: Measured, metric: str, found: Performance) -> list[Any]:
    ratings = one.ratings
    rated = None if ratings is None else f"{_around(ratings.mean, ratings.low, ratings.high)} of {ratings.count:,}"
    return [
        one.version,
        "" if one.by == "version" else one.name,
        one.predictions,
        f"{one.unlabelled:.0%}",
        _value(one.metrics.get(metric)),
        _value(one.estimated.get(metric)),
        found.released.get(one.version, {}).get(metric),
        rated,
    ]


def _all(found: Performance) -> list[list[Any]]:
    return [
        [one.version, name, found.released.get(one.version, {}).get(name), _value(one.metrics.get(name)),
         _value(one.estimated.get(name))]
        for one in found.versions
        for name in dict.fromkeys([*one.metrics, *one.estimated])
    ]  # fmt: skip


def _drift(one: Drifted) -> str:
    columns: Sequence[Any] = [*one.inputs[:SHOWN_DRIFT], *one.answers]
    rows = [
        (
            moved.column,
            "moved" if moved.moved else "",
            ", ".join(f"{k} {v:.3f}" for k, v in moved.measures.items()),
            moved.p,
        )
        for moved in columns
    ]
    shift = one.labels
    said = "" if shift is None else (
        f"<p>The share of label {shift.label} is {shift.now:.0%} and was {shift.before:.0%} "
        f"(change {shift.low:+.0%} to {shift.high:+.0%}).</p>"
    )  # fmt: skip
    found = table(["column", "", "how far", "p"], rows) if rows else f"<p>{one.silence}</p>"
    return f"<p>The newest {one.rows:,} answers.</p>" + said + found


def _window(one: Drifted) -> list[Any]:
    moved = ", ".join(moved.column for moved in one.moved[:SHOWN_DRIFT])
    said = moved or one.silence or "nothing"
    shift = one.labels
    shifted = None if shift is None else f"{shift.label}: {shift.before:.0%} to {shift.now:.0%}"
    return [one.version, one.window, one.rows, said, shifted]


def _late(found: Performance) -> dict[str, Any]:
    late = found.late
    return {
        "middle delay of a label": _time(late.median),
        "nine of ten labels come within": _time(late.most),
        "labels from before their prediction (clocks differ)": late.early,
        "labels that changed": late.changed,
        "labels that cannot be compared": late.strange,
    }


def _time(seconds: float | None) -> str | None:
    if seconds is None:
        return None
    for length, unit in ((24 * HOUR_S, "days"), (HOUR_S, "hours"), (60, "minutes")):
        if seconds >= 2 * length:
            return f"{seconds / length:.1f} {unit}"
    return f"{seconds:.0f} seconds"


def _value(span: Span | None) -> str | None:
    return None if span is None else _around(*span)


def _around(value: float, low: float | None, high: float | None) -> str:
    if low is None or high is None or not (isfinite(low) and isfinite(high)):
        return f"{value:.3g}"
    return f"{value:.3g} ({low:.3g} to {high:.3g})"


def _ends(span: Span) -> dict[str, float]:
    low, high = (end if isfinite(end) else span.value for end in (span.low, span.high))
    return {"value": span.value, "low": low, "high": high}
