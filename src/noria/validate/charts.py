"""The validation report: old against new, worst first."""

from collections.abc import Mapping
from typing import Any

import altair as alt

from noria.data import sketch
from noria.data.column import Column
from noria.data.profile import Profile
from noria.report import page
from noria.stats.distance import shares
from noria.validate.report import Verdict

MOST = 12  # bars in a chart, and charts in a report


def report(
    title: str, verdict: Verdict, fresh: Profile, before: Profile | None, held: Mapping[str, Any] | None = None
) -> bytes:
    """The page a person reads when a run stops; ``held``: what ``compare`` says of both."""
    lead = f"Verdict: {page.word(verdict.word)}. {fresh.rows:,} new rows"
    lead += f" against a baseline of {before.rows:,}." if before else ", the first: there is nothing to compare with."
    named = {one.column for one in verdict.anomalies}
    worst = {one["column"]: place for place, one in enumerate(held["columns"] if held else [])}
    order = sorted(fresh.columns, key=lambda name: (name not in named, worst.get(name, 0), name))
    sections = [
        page.Section(
            "Findings, gravest first",
            page.table(
                ["severity", "column", "what", "what to do"],
                [(one.severity, one.column, one.what, one.do) for one in verdict.anomalies],
            ),
        ),
        page.Section("Label", page.chart(_bars(_sides(before, fresh)), "Share of each label")),
        page.Section("Columns", page.table(HEAD, [_row(n, fresh.columns[n], before) for n in order])),
    ]
    if before is not None:
        sections += [
            page.Section(
                name, page.chart(_bars(_columns(before.columns[name], fresh.columns[name])), "Old against new")
            )
            for name in order[:MOST]
            if name in before.columns and fresh.columns[name].kind in ("category", "number", "bool")
        ]
    return page.page(title, lead, sections)


HEAD = ["column", "kind", "missing", "mean or top value", "before", "low", "high"]


def _row(name: str, column: Column, before: Profile | None) -> list[Any]:
    old = before.columns.get(name) if before else None
    share = column.missing / column.rows if column.rows else 0.0
    return [
        name,
        column.kind,
        f"{share:.1%}",
        _typical(column),
        _typical(old) if old else None,
        column.low,
        column.high,
    ]


def _typical(column: Column) -> str:
    if column.kind == "number" and column.bins:
        return f"{column.mean:.4g} ± {column.deviation:.3g}"
    return max(column.values, key=lambda value: column.values[value], default="–")


def _sides(before: Profile | None, fresh: Profile) -> list[dict[str, Any]]:
    sides = {"new": fresh.label_shares()} | ({"baseline": before.label_shares()} if before else {})
    return [{"value": v, "share": s, "side": side} for side, found in sides.items() for v, s in found.items()]


def _columns(old: Column, new: Column) -> list[dict[str, Any]]:
    rows = []
    for side, column in (("baseline", old), ("new", new)):
        if column.kind == "number" and not column.bins:
            continue
        if column.kind == "number":
            cells = {f"{q}": sketch.quantile(column.bins, q / 100) for q in (1, 10, 25, 50, 75, 90, 99)}
            rows += [{"value": f"{q} % below", "share": v, "side": side} for q, v in cells.items()]
        else:
            found = sorted(shares(column.values).items(), key=lambda item: -item[1])[:MOST]
            rows += [{"value": v, "share": s, "side": side} for v, s in found]
    return rows


def _bars(rows: list[dict[str, Any]]) -> alt.Chart:
    encoding: Mapping[str, Any] = {
        "x": alt.X("share:Q", title=None),
        "y": alt.Y("value:N", title=None, sort=None),
        "color": alt.Color("side:N", title=None, scale=alt.Scale(range=["#7d8ba0", "#0a6fd1"])),
        "yOffset": "side:N",
    }
    return alt.Chart(alt.Data(values=rows)).mark_bar().encode(**encoding).properties(width=480)
