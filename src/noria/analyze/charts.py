"""The analysis report."""

from collections.abc import Mapping
from typing import Any

import altair as alt

from noria.report import page


def report(title: str, result: Mapping[str, Any]) -> bytes:
    """The page on what the candidate does, and to whom."""
    disjoint = result["disjoint"]
    lead = f"{disjoint['rows']:,} rows, none of which shares a {disjoint['by']} with the {disjoint['learned_rows']:,} learned from."
    intervals = {name: f"{low:.4f} to {high:.4f}" for name, (low, high) in result["intervals"].items()}
    sections = [
        page.Section("Overall", page.table(["metric", "value", "95 % interval"],
                                           [(n, v, intervals.get(n)) for n, v in result["metrics"].items()])),
    ]  # fmt: skip
    for column, found in result["fairness"].items():
        body = page.facts(found["differences"]) + page.chart(groups(found["groups"]), f"Share given the favourable label {result['positive']!r}, with 95 % interval")
        rows = [(g["group"], g["rows"], g["selection_rate"], g["true_positive_rate"], g["false_positive_rate"], "" if g["judged"] else "too few to judge") for g in found["groups"]]
        body += page.table(["group", "rows", "given favourable", "true positive rate", "false positive rate", ""], rows)
        sections.append(page.Section(f"Fairness by {column}", body))
    sections += [
        page.Section("Subsets", page.table(["column", "group", "rows", "metrics", ""],
            [(s["column"], s["group"], s["rows"], s["metrics"], "" if s["judged"] else "too few to judge") for s in result["slices"]])),
        page.Section("Subsets nearly always given one label", page.table(["column", "group", "rows", "given", "true share"],
            [(d["column"], d["group"], d["rows"], d["given"], d["truth"]) for d in result["dominated"]])),
        page.Section("Sensitivity to small changes", page.table(["feature", "kind", "flipped labels", "mean change"],
            [(s["feature"], s["kind"], s["flipped"], s["change"]) for s in result["sensitivity"]])),
    ]  # fmt: skip
    return page.page(title, lead, sections)


def groups(found: list[dict[str, Any]]) -> alt.LayerChart:
    """Each group's selection rate as a dot with its interval."""
    rows = [
        {"group": g["group"], "rate": g["selection_rate"], "low": g["selection_interval"][0], "high": g["selection_interval"][1]}
        for g in found
    ]
    base = alt.Chart(alt.Data(values=rows)).encode(y=alt.Y("group:N", title=None))
    rule = base.mark_rule(strokeWidth=2, color="#7d8ba0").encode(x=alt.X("low:Q", title=None), x2="high:Q")
    dot = base.mark_point(filled=True, size=80, color="#0a6fd1").encode(x="rate:Q")
    return (rule + dot).properties(width=480)
