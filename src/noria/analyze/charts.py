"""Drawings of the analysis."""

from collections.abc import Sequence
from typing import Any

import altair as alt

from noria.report.charts import INK, MARK, intervals


def rates(groups: Sequence[dict[str, Any]]) -> alt.LayerChart:
    """Each group's selection rate as a dot with its interval."""
    return intervals([{"name": g["group"], **g["rates"]["selection_rate"]} for g in groups])


def calibration(bins: Sequence[dict[str, Any]]) -> alt.LayerChart:
    """Said against seen, with intervals; the diagonal is perfect."""
    scale = alt.Scale(domain=[0, 1])
    base = alt.Chart(alt.Data(values=list(bins)))
    rule = base.mark_rule(color=INK).encode(
        x=alt.X("said:Q", title="said", scale=scale), y=alt.Y("low:Q", title="right", scale=scale), y2="high:Q"
    )
    dot = base.mark_point(filled=True, size=60, color=MARK, opacity=1).encode(x="said:Q", y="seen:Q")
    ideal = alt.Chart(alt.Data(values=[{"x": 0, "y": 0}, {"x": 1, "y": 1}])).mark_line(strokeDash=[4, 4], color=INK)
    return (ideal.encode(x="x:Q", y="y:Q") + rule + dot).properties(width=320, height=320)


def importance(found: Sequence[dict[str, Any]], most: int = 20) -> alt.Chart:
    """One bar a feature."""
    bars = alt.Chart(alt.Data(values=list(found[:most]))).mark_bar(color=MARK)
    return bars.encode(x=alt.X("loss:Q", title=None), y=alt.Y("feature:N", sort="-x", title=None)).properties(width=480)
