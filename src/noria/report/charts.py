"""Drawings that several reports share."""

from collections.abc import Mapping, Sequence
from typing import Any

import altair as alt

INK, MARK = "#7d8ba0", "#0a6fd1"
FEW = 20  # trials that each have a number under them


def intervals(rows: Sequence[Mapping[str, Any]]) -> alt.LayerChart:
    """A dot with its interval for each row: ``name``, ``value``, ``low``, ``high``."""
    base = alt.Chart(alt.Data(values=list(rows))).encode(y=alt.Y("name:N", title=None, sort=None))
    rule = base.mark_rule(strokeWidth=2, color=INK).encode(x=alt.X("low:Q", title=None), x2="high:Q")
    dot = base.mark_point(filled=True, size=80, color=MARK, opacity=1).encode(x="value:Q")
    return (rule + dot).properties(width=480)


def trials(found: Sequence[Mapping[str, Any]], metric: str) -> alt.Chart:
    """What each trial of a study reached, in the order in which they were tried."""
    rows = [{"trial": one["number"], "value": one["value"]} for one in found if one["value"] is not None]
    dots = alt.Chart(alt.Data(values=rows)).mark_point(filled=True, size=60, color=MARK, opacity=1)
    few = sorted(one["trial"] for one in rows) if len(rows) <= FEW else alt.Undefined
    x = alt.X("trial:Q", axis=alt.Axis(format="d", tickMinStep=1, values=few))
    return dots.encode(x=x, y=alt.Y("value:Q", title=metric, scale=alt.Scale(zero=False))).properties(
        width=480, height=160
    )


def calibration(bins: Sequence[dict[str, Any]], *, shares: bool) -> alt.LayerChart:
    """Said against seen, with intervals; the diagonal is perfect. ``shares``: both are shares, from 0 to 1."""
    ends = [0.0, 1.0] if shares else _reach(bins)
    scale = alt.Scale(domain=ends, nice=not shares)
    base = alt.Chart(alt.Data(values=list(bins)))
    rule = base.mark_rule(color=INK).encode(
        x=alt.X("said:Q", title="predicted", scale=scale), y=alt.Y("low:Q", title="observed", scale=scale), y2="high:Q"
    )
    dot = base.mark_point(filled=True, size=60, color=MARK, opacity=1).encode(x="said:Q", y="seen:Q")
    corners = alt.Data(values=[{"x": end, "y": end} for end in ends])
    ideal = alt.Chart(corners).mark_line(strokeDash=[4, 4], color=INK)
    return (ideal.encode(x="x:Q", y="y:Q") + rule + dot).properties(width=320, height=320)


def importance(found: Sequence[dict[str, Any]], most: int = 20) -> alt.Chart:
    """One bar a feature."""
    bars = alt.Chart(alt.Data(values=list(found[:most]))).mark_bar(color=MARK)
    return bars.encode(x=alt.X("loss:Q", title=None), y=alt.Y("feature:N", sort="-x", title=None)).properties(width=480)


def _reach(bins: Sequence[dict[str, Any]]) -> list[float]:
    places = [one[name] for one in bins for name in ("said", "low", "high")]
    return [min(places), max(places)]


def over_time(rows: Sequence[Mapping[str, Any]], title: str) -> alt.LayerChart:
    """Values with intervals, a line a ``series``: ``at`` (a day), ``value``, ``low``, ``high``."""
    base = alt.Chart(alt.Data(values=list(rows))).encode(
        x=alt.X("at:T", title=None, axis=alt.Axis(format="%d %b")),
        color=alt.Color("series:N", title=None, legend=alt.Legend(symbolType="stroke", symbolOpacity=1)),
    )
    scale = alt.Scale(zero=False)
    band = base.mark_rule(strokeWidth=2, opacity=0.45).encode(
        y=alt.Y("low:Q", title=title, scale=scale), y2="high:Q", detail="series:N"
    )
    line = base.mark_line(point={"filled": True, "size": 50}).encode(
        y=alt.Y("value:Q", scale=scale), strokeDash=alt.StrokeDash("series:N", legend=None)
    )
    return (band + line).properties(width=560, height=200)
