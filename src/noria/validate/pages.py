"""The pages a person reads: old against new, worst first."""

from collections.abc import Mapping, Sequence
from typing import Any

from noria.data.column import Column
from noria.data.profile import Profile
from noria.report import page
from noria.validate import charts
from noria.validate.report import Verdict

MOST = 6  # charts in a report: drawing them takes longer than the rest of validating a small batch


def report(
    title: str, verdict: Verdict, fresh: Profile, before: Profile | None, held: Mapping[str, Any] | None = None
) -> bytes:
    """The page a person reads when a run stops; ``held``: what ``compare`` says of both."""
    lead = f"Verdict: {page.word(verdict.word)}. {fresh.rows:,} new rows"
    lead += f" against a baseline of {before.rows:,}." if before else ", the first: there is nothing to compare with."
    measured = {one["column"]: one for one in held["columns"]} if held else {}
    worst = {name: place for place, name in enumerate(measured)}
    grave = {one.column: place for place, one in reversed(list(enumerate(verdict.anomalies)))}
    order = sorted(fresh.columns, key=lambda name: (grave.get(name, len(grave) + 1), worst.get(name, 0), name))
    found = [(one.severity, one.column, one.rule, one.what, one.do) for one in verdict.anomalies]
    rows = [_row(name, fresh.columns[name], before, measured.get(name)) for name in order]
    return page.page(
        title,
        lead,
        [
            page.Section("Findings, gravest first", page.table(["", "column", "rule", "what", "what to do"], found)),
            *_labels(before, fresh),
            *(_charts(before, fresh, order, measured) if before else ()),
            page.Section("Columns, worst first", page.table(HEAD, rows)),
        ],
    )


def comparison(title: str, held: Mapping[str, Any], before: Profile, after: Profile) -> bytes:
    """The page of two sets of rows that ``compare`` has held against each other: ``held`` is what it says."""
    lead = f"{before.rows:,} rows, and {after.rows:,} rows they are compared with."
    measured = {one["column"]: one for one in held["columns"]}
    moved = [(one["column"], one["status"], _far(one), one["p"]) for one in held["columns"]]
    return page.page(
        title,
        lead,
        [
            *(_labels(before, after) if held["labels"] else ()),
            page.Section("Columns, worst first", page.table(["column", "status", "how far", "p"], moved)),
            *_charts(before, after, [name for name in measured if name in after.columns], measured),
        ],
    )


def _labels(before: Profile | None, after: Profile) -> list[page.Section]:
    old, new = charts.SIDES
    sides = {old: before.label_shares() if before else {}, new: after.label_shares()}
    if not sides[new]:
        return []
    return [page.Section("Label", page.chart(charts.bars(sides), "Share of each label"))]


def _charts(
    before: Profile, after: Profile, order: Sequence[str], measured: Mapping[str, Mapping[str, Any]]
) -> list[page.Section]:
    """The first columns that can be drawn; not the label, which has a chart of its own."""
    sections: list[page.Section] = []
    for name in order:
        if len(sections) == MOST:
            break
        new = after.columns[name]
        if name not in before.columns or (after.labels and new.values == after.labels):
            continue
        drawn = charts.column(before.columns[name], new)
        if drawn is not None:
            caption = _far(measured[name]) if name in measured else ""
            sections.append(page.Section(name, page.chart(drawn, caption or "Share of the rows")))
    return sections


def _far(one: Mapping[str, Any]) -> str:
    return ", ".join(MEASURES.get(name, name + " {:.3f}").format(value) for name, value in one["measures"].items())


MEASURES = {
    "jensen_shannon": "Jensen-Shannon distance {:.3f}",
    "wasserstein": "Wasserstein distance {:.3f} standard deviations",
    "l_infinity": "largest change of a share {:.1%}",
    "psi": "population stability index {:.3f}",
}
HEAD = ["column", "status", "kind", "missing", "typical", "typical before", "low", "high", "how far"]


def _row(name: str, column: Column, before: Profile | None, one: Mapping[str, Any] | None) -> list[Any]:
    old = before.columns.get(name) if before else None
    share = column.missing / column.rows if column.rows else 0.0
    return [
        name,
        one["status"] if one else None,
        column.kind,
        f"{share:.1%}",
        _typical(column),
        _typical(old) if old else None,
        column.low,
        column.high,
        one["measures"].get("jensen_shannon") if one else None,
    ]


def _typical(column: Column) -> str:
    if column.kind == "number" and column.bins:
        return f"{column.mean:.4g} ± {column.deviation:.3g}"
    if column.kind == "time":
        return f"{str(column.first)[:10]} to {str(column.last)[:10]}"
    return max(column.values, key=lambda value: column.values[value], default="–")
