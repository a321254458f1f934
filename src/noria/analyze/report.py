"""The analysis as a page, and as a few numbers."""

from collections.abc import Iterator, Mapping
from typing import Any

from noria.analyze import charts
from noria.report.page import Section, chart, facts, page, table


def largest_differences(result: Mapping[str, Any]) -> dict[str, float]:
    """For each fairness metric the largest difference of any single protected column."""
    found: dict[str, float] = {}
    for column, between in result["fairness"].items():
        if " & " in column:
            continue
        for name, one in between["differences"].items():
            if one["value"] is not None:
                found[name] = max(found.get(name, 0.0), one["value"])
    return found


def report(lifecycle: str, result: Mapping[str, Any]) -> bytes:
    """The page on what the candidate does, and to whom."""
    proof = result["disjoint"]
    lead = (
        f"{proof['rows']:,} rows, none of which shares a {proof['by']} with the {proof['learned_rows']:,} learned from."
    )
    return page(f"Analysis of {lifecycle}", lead, list(_sections(result)))


def _sections(result: Mapping[str, Any]) -> Iterator[Section]:
    spans = {name: f"{low:.4f} to {high:.4f}" for name, (low, high) in result["intervals"].items()}
    rows = [(name, value, spans.get(name)) for name, value in result["metrics"].items()]
    yield Section("Overall", table(["metric", "value", "95 % interval"], rows))
    if result["calibration"]:
        drawn = chart(
            charts.calibration(result["calibration"]["bins"]), "Said probability against share that was right"
        )
        yield Section("Calibration", facts({"expected calibration error": result["calibration"]["error"]}) + drawn)
    for column, between in result["fairness"].items():
        yield Section(f"Fairness by {column}", _fairness(between, result["positive"]))
    yield Section("Slices", _slices(result["slices"]))
    found = [(f"{o['column']} = {o['group']}", o["rows"], o["wrong"], o["elsewhere"], o["p"]) for o in result["found"]]
    yield Section("Bad slices that were found", table(["slice", "rows", "wrong", "wrong elsewhere", "p"], found))
    dominated = [
        (f"{o['column']} = {o['group']}", o["rows"], result["classes"][o["label"]], o["given"], o["truth"])
        for o in result["dominated"]
    ]
    yield Section(
        "Subsets nearly always given one label", table(["slice", "rows", "label", "given", "true share"], dominated)
    )
    small = [(o["feature"], o["kind"], o["flipped"], o["change"]) for o in result["sensitivity"]]
    yield Section("Sensitivity to small changes", table(["feature", "kind", "flipped labels", "mean change"], small))
    drawn = chart(charts.importance(result["importance"]), "Loss of the metric when one feature is shuffled")
    yield Section("Which features count", drawn)


def _fairness(between: Mapping[str, Any], positive: Any) -> str:
    differences = [
        (name, one["value"], _span(one), " and ".join(one["between"]), ", ".join(one["undecided"]))
        for name, one in between["differences"].items()
    ]
    heads = ["", "largest difference", "95 % interval", "between", "too few rows to judge"]
    drawn = chart(charts.rates(between["groups"]), f"Share given {positive!r}, with 95 % interval")
    groups = [(g["group"], g["rows"], *(rate["value"] for rate in g["rates"].values())) for g in between["groups"]]
    names = ["group", "rows", f"given {positive}", "true positive rate", "false positive rate"]
    return table(heads, differences) + drawn + table(names, groups)


def _slices(found: list[dict[str, Any]]) -> str:
    rows = [
        (f"{o['column']} = {o['group']}", o["rows"], o["metrics"], "" if o["judged"] else "too few to judge")
        for o in found
    ]
    return table(["slice", "rows", "metrics", ""], rows)


def _span(one: Mapping[str, Any]) -> str | None:
    return None if one["value"] is None else f"{one['low']:.3f} to {one['high']:.3f}"
