"""Drawings that several reports share."""

from collections.abc import Mapping, Sequence
from typing import Any

import altair as alt

INK, MARK = "#7d8ba0", "#0a6fd1"


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
    x = alt.X("trial:Q", axis=alt.Axis(format="d", tickMinStep=1))
    return dots.encode(x=x, y=alt.Y("value:Q", title=metric, scale=alt.Scale(zero=False))).properties(
        width=480, height=160
    )
