"""The analysis as a page, and as a few numbers."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from noria.analyze import charts
from noria.analyze.cells import said
from noria.report.page import Section, bullets, chart, facts, page, table

DRAWN = 6  # fairness charts: beyond them tables say the same in less room
SHOWN = 40  # rows of a table of slices
TOLD = {
    "classification": ("accuracy", "balanced_accuracy", "roc_auc", "log_loss"),
    "multilabel": ("f1_micro", "subset_accuracy", "mean_average_precision"),
    "regression": ("rmse", "mae", "r2"),
}
RATES = {
    "selection_rate": "given it",
    "true_positive_rate": "true positive rate",
    "false_positive_rate": "false positive rate",
    "error": "error",
    "mean_answer": "mean answer",
    "mean_error": "mean error",
}
ALIKE = (
    "Rows that are nearly the same as rows learned from: equal but for case, signs and the fourth digit, or texts that "
    "share four fifths of their triples of words. They are not forbidden; many of them make the figures below look "
    "better than they are."
)


def largest_differences(result: Mapping[str, Any]) -> dict[str, float]:
    """For each fairness metric the largest difference of any single protected column."""
    found: dict[str, float] = {}
    for name, between in result["fairness"].items():
        if " & " in between.get("column", name):
            continue
        for metric, one in between["differences"].items():
            if one["value"] is not None:
                found[metric] = max(found.get(metric, 0.0), one["value"])
    return found


def report(lifecycle: str, result: Mapping[str, Any]) -> bytes:
    """The page on what the candidate does, and to whom."""
    proof = result["disjoint"]
    lead = (
        f"{proof['rows']:,} rows; none has the {proof['by']} of any of the {proof['learned_rows']:,} rows learned from."
    )
    return page(f"Analysis of {lifecycle}", lead, list(_sections(result)))


def _sections(result: Mapping[str, Any]) -> Iterator[Section]:
    yield Section("What stands out", bullets(result["findings"], "Nothing."))
    spans = {name: _range(low, high) for name, (low, high) in result["intervals"].items()}
    rows = [(name, value, spans.get(name)) for name, value in result["metrics"].items()]
    yield Section("Overall", table(["metric", "value", "95 % interval"], rows))
    yield Section("Apart from what was learned", _near(result["disjoint"]))
    if result["calibration"]:
        yield Section("Calibration", _calibration(result["calibration"], result["task"]))
    for place, (name, between) in enumerate(result["fairness"].items()):
        yield Section(f"Fairness by {name}", _fairness(between, result, drawn=place < DRAWN))
    yield Section("Slices", _slices(result["slices"], result))
    found = [(_slice(o), o["rows"], o["wrong"], o["elsewhere"], o["p"]) for o in result["found"]]
    yield Section("Bad slices that were found", table(["slice", "rows", "wrong", "wrong elsewhere", "p"], found))
    if result["task"] != "regression":
        always = [(_slice(o), o["rows"], o["label"], o["given"], o["truth"]) for o in result["dominated"]]
        heads = ["slice", "rows", "label", "given", "true share"]
        yield Section("Subsets nearly always given one label", table(heads, always[:SHOWN]))
    yield Section("Sensitivity to small changes", _sensitivity(result["sensitivity"]))
    if result["importance"]:
        drawn = chart(charts.importance(result["importance"]), "Loss of the metric when one feature is shuffled")
        yield Section("Which features count", drawn)


def _near(proof: Mapping[str, Any]) -> str:
    near = proof["near"]
    counted = {
        "rows that are nearly the same as one learned from": near["rows"],
        "share of the analysis rows": near["rows"] / max(1, proof["rows"]),
        "rows with equal values, of other subjects": proof["same_content"],
    }
    pairs = [(one["row"], one["like"], one["similarity"]) for one in near["shown"]]
    shown = table(["row (batch/place)", "like the row learned from", "similarity"], pairs) if pairs else ""
    return facts(counted) + (f"<p>{ALIKE}</p>" if pairs else "") + shown


def _calibration(found: Mapping[str, Any], task: str) -> str:
    shares = task != "regression"
    caption = "Said probability against the share that was right" if shares else "Predicted against true mean"
    name = "expected calibration error" if shares else "mean distance of predicted and true mean"
    return facts({name: found["error"]}) + chart(charts.calibration(found["bins"], shares=shares), caption)


def _fairness(between: Mapping[str, Any], result: Mapping[str, Any], *, drawn: bool) -> str:
    differences = [
        (name.replace("_", " "), one["value"], _span(one), " and ".join(one["between"]), ", ".join(one["undecided"]))
        for name, one in between["differences"].items()
    ]
    heads = ["", "largest difference", "95 % interval", "between", "too few rows to judge"]
    groups = between["groups"]
    first = next(iter(groups[0]["rates"]))
    drawing = charts.rates(groups, first) if drawn else None
    figure = chart(drawing, _caption(first, between, result)) if drawing else ""
    rows = [(g["group"], g["rows"], *(_rate(rate) for rate in g["rates"].values())) for g in groups]
    names = [RATES[name] for name in groups[0]["rates"]]
    return table(heads, differences) + figure + table(["group", "rows", *names], rows)


def _caption(rate: str, between: Mapping[str, Any], result: Mapping[str, Any]) -> str:
    if rate != "selection_rate":
        return f"{RATES[rate].capitalize()} of each group, with 95 % interval"
    return f"Share given {between['label'] or result['positive']!r}, with 95 % interval"


def _rate(rate: Mapping[str, Any]) -> str | None:
    """A value with its interval."""
    return None if rate["value"] is None else f"{rate['value']:.3g} ({rate['low']:.3g} to {rate['high']:.3g})"


def _sensitivity(found: Sequence[Mapping[str, Any]]) -> str:
    flips = any(one["flipped"] is not None for one in found)
    small = [(one["feature"], one["kind"], *([one["flipped"]] if flips else []), one["change"]) for one in found]
    worst = [
        (one["feature"], row["row"], row["before"], row["after"], row["answer"], row["becomes"], row["change"])
        for one in found[:10]
        for row in one["worst"][:1]
    ]
    heads = ["feature", "row (batch/place)", "value", "changed to", "answer", "becomes", "change"]
    first = table(["feature", "kind", *(["flipped labels"] if flips else []), "mean change"], small)
    return first + (f"<p>The row that changes most, by feature:</p>{table(heads, worst)}" if worst else "")


def _slices(found: Sequence[Mapping[str, Any]], result: Mapping[str, Any]) -> str:
    """The metrics that a table has room for; the others are in the JSON."""
    whole = result["metrics"]
    names = [name for name in TOLD[result["task"]] if name in whole]
    everyone = [("all rows", result["rows"], *(whole[name] for name in names), _span_of(result), "")]
    rows = [
        (
            _slice(o),
            o["rows"],
            *(o["metrics"].get(name) for name in names),
            _interval(o),
            "" if o["judged"] else "few rows",
        )
        for o in found[:SHOWN]
    ]
    heads = ["slice", "rows", *(name.replace("_", " ") for name in names), "accuracy, 95 %", ""]
    if result["task"] == "classification":
        return table(heads, everyone + rows)
    return table([*heads[:-2], ""], [(*one[:-2], one[-1]) for one in everyone + rows])


def _interval(one: Mapping[str, Any]) -> str | None:
    return _range(*one["accuracy_interval"]) if "accuracy_interval" in one else None


def _span_of(result: Mapping[str, Any]) -> str | None:
    return _range(*result["intervals"]["accuracy"]) if "accuracy" in result["intervals"] else None


def _slice(one: Mapping[str, Any]) -> str:
    return said(one["column"], one["group"])


def _span(one: Mapping[str, Any]) -> str | None:
    return None if one["value"] is None else _range(one["low"], one["high"])


def _range(low: float, high: float) -> str:
    return f"{low:.3g} to {high:.3g}"
