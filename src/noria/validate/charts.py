"""One column of two sets of rows, drawn: old against new."""

import math
from collections.abc import Iterator, Mapping
from datetime import date, timedelta
from typing import Any

import altair as alt

from noria.data import sketch
from noria.data.column import Column
from noria.report.charts import INK, MARK

SIDES = ("baseline", "new")
MOST = 12  # bars
CELLS = 24  # of a histogram
TAIL = 0.005  # of the rows on either end are drawn in its last cell
WIDTH = 480
EPOCH = date(1970, 1, 1)
OTHERS = "… others"

Shares = Mapping[str, float]
Rows = list[dict[str, Any]]


def column(old: Column, new: Column) -> alt.Chart | None:
    """Both sides' values: bars of categories, areas over numbers and times; None where there is nothing to draw."""
    if old.kind != new.kind or not old.present or not new.present:
        return None
    if new.kind in ("category", "bool"):
        sides = dict(zip(SIDES, (old.shares(), new.shares()), strict=True))
        return bars(sides) if all(sides.values()) else None
    if new.kind == "number" and old.bins and new.bins:
        return areas(list(_numbers(old, new)), "x:Q")
    if new.kind == "time" and old.bins and new.bins:
        return areas(list(_days(old, new)), "x:T")
    return None


def bars(sides: Mapping[str, Shares]) -> alt.Chart:
    """The share of each value on each side; of many, those of the largest shares."""
    sizes = {value: max(side.get(value, 0.0) for side in sides.values()) for side in sides.values() for value in side}
    shown = sorted(sizes, key=lambda value: (-sizes[value], value))[:MOST]
    rows = [
        {"value": value, "share": found.get(value, 0.0), "side": side}
        for side, found in sides.items()
        if found
        for value in shown
    ]
    rest = {side: 1 - sum(found.get(value, 0.0) for value in shown) for side, found in sides.items() if found}
    if max(rest.values()) > 1e-9:
        rows += [{"value": OTHERS, "share": share, "side": side} for side, share in rest.items()]
    return (
        alt.Chart(alt.Data(values=rows))
        .mark_bar()
        .encode(
            x=alt.X("share:Q", title=None, axis=alt.Axis(format="%")),
            y=alt.Y("value:N", title=None, sort=None),
            yOffset=alt.YOffset("side:N", sort=list(SIDES)),
            color=_color(),
        )
        .properties(width=WIDTH)
    )


def areas(rows: Rows, x: str) -> alt.Chart:
    """Two histograms over each other; rows have ``x``, ``share``, ``side``."""
    return (
        alt.Chart(alt.Data(values=rows))
        .mark_area(interpolate="step-after", opacity=0.35, line={"strokeWidth": 1.5})
        .encode(
            x=alt.X(x, title=None, axis=alt.Axis(labelOverlap=True), scale=alt.Scale(zero=False, nice=False)),
            y=alt.Y("share:Q", title=None, stack=None, axis=alt.Axis(format="%")),
            color=_color(),
        )
        .properties(width=WIDTH, height=140)
    )


def _color() -> alt.Color:
    return alt.Color("side:N", title=None, scale=alt.Scale(domain=list(SIDES), range=[INK, MARK]))


def _numbers(old: Column, new: Column) -> Iterator[dict[str, Any]]:
    """Shares of the rows in cells of one width, from the lower to the upper tail of both sides."""
    low = min(sketch.quantile(one.bins, TAIL) for one in (old, new))
    high = max(sketch.quantile(one.bins, 1 - TAIL) for one in (old, new))
    width = (high - low) / CELLS or abs(high) / CELLS or 1.0
    for side, one in zip(SIDES, (old, new), strict=True):
        found = [0] * (CELLS + 1)
        for value, count in sketch.ordered(one.bins):
            found[min(CELLS, max(0, math.floor((value - low) / width)))] += count
        found[CELLS - 1] += found.pop()
        yield from _steps(side, found, [low + width * n for n in range(CELLS + 1)])


def _days(old: Column, new: Column) -> Iterator[dict[str, Any]]:
    first, last = (pick((*old.bins, *new.bins)) for pick in (min, max))
    width = max(1, math.ceil((last - first + 1) / CELLS))
    for side, one in zip(SIDES, (old, new), strict=True):
        found = [0] * ((last - first) // width + 1)
        for day, count in one.bins.items():
            found[(day - first) // width] += count
        yield from _steps(side, found, [_date(first + width * n) for n in range(len(found) + 1)])


def _steps(side: str, counts: list[int], edges: list[Any]) -> Iterator[dict[str, Any]]:
    """A point at each edge; the last closes the last cell."""
    total = sum(counts) or 1
    for edge, count in zip(edges, [*counts, counts[-1]], strict=True):
        yield {"x": edge, "share": count / total, "side": side}


def _date(day: int) -> str | None:
    try:
        return str(EPOCH + timedelta(days=day))
    except OverflowError:  # a year that no calendar here has
        return None
