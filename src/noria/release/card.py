"""The model card: what it is, what it was made of, how it does, and why it was (not) released."""

from collections.abc import Iterator, Mapping
from html import escape
from typing import Any

from noria.model.environment import packages_of
from noria.report import page

SHOWN = ("noria", "numpy", "scikit-learn", "lightgbm", "xgboost", "xgboost-cpu", "torch", "onnxruntime", "polars")
COLOURS = {"released": "pass", "waiting": "warn", "refused": "block"}
MOST = 12  # features that a drawing has room for
Record = Mapping[str, Any]


def card(record: Record) -> bytes:
    """The card as one self-contained page."""
    return page.page(title(record), lead(record), list(sections(record)))


def title(record: Record) -> str:
    number = record["number"]
    return f"{record['model']}@{number}" if number else f"{record['model']}: a candidate, {record['decision']}"


def lead(record: Record) -> str:
    """The decision and its reason, as HTML."""
    word = record["decision"]
    return f'<span class="{COLOURS[word]}">{word}</span>: {escape(record["reason"])}'


def sections(record: Record) -> Iterator[page.Section]:
    """What stands on the card, in order."""
    verdicts = [(one["gate"], one["verdict"], one["evidence"]) for one in record["verdicts"]]
    yield page.Section("Gates", page.table(["gate", "verdict", "evidence"], verdicts))
    yield page.Section("Made of", page.facts(_made_of(record)))
    if record["analysis"] is not None:
        yield from _analysed(record["analysis"])
    if record["trials"]:
        yield _trials(record)
    yield page.Section("Not known", f"<p>{_unknown(record)}</p>")


def _made_of(record: Record) -> dict[str, Any]:
    if "imported" in record:
        return {"imported from": record["imported"], "format": record["format"], "decided by": record["decided_by"]}
    return {
        "data": f"{record['dataset']}@{record['dataset_version']}",
        "rows": record["rows"],
        "estimator": record["estimator"],
        "format": f"{record['format']}: {record['onnx'].get('reason', '')}",
        "parameters": record["params"],
        "remedy": record["remedy"],
        "seed": str(record["seed"]),
        "code bundle": record["bundle"][:12],
        "trials": str(len(record["trials"])),
        "decided by": record["decided_by"],
        **_environment(record["environment"]),
    }


def _analysed(analysis: Record) -> Iterator[page.Section]:
    from noria.report import charts  # drawing is slow to load

    if analysis.get("findings"):
        yield page.Section("What stands out", page.bullets(analysis["findings"], "Nothing."))
    spans = {name: f"{low:.4f} to {high:.4f}" for name, (low, high) in analysis["intervals"].items()}
    rows = [(name, value, spans.get(name)) for name, value in analysis["metrics"].items()]
    within = [
        {"name": name, "value": analysis["metrics"][name], "low": low, "high": high}
        for name, (low, high) in analysis["intervals"].items()
    ]
    drawn = page.chart(charts.intervals(within), "Each metric with its 95 % interval") if within else ""
    yield page.Section(
        f"How it does on {analysis['rows']:,} rows it never saw",
        drawn + page.table(["metric", "value", "95 % interval"], rows),
    )
    if analysis.get("calibration"):
        yield _calibration(analysis["calibration"], shares=analysis["task"] != "regression")
    for column, between in analysis["fairness"].items():
        yield _fairness(column, between, analysis["positive"])
    if analysis.get("importance"):
        drawn = page.chart(charts.importance(analysis["importance"], MOST), "Loss of the metric when one is shuffled")
        yield page.Section("Which features count", drawn)


def _calibration(found: Record, *, shares: bool) -> page.Section:
    from noria.report import charts

    drawn = page.chart(charts.calibration(found["bins"], shares=shares), "What it predicted against what was observed")
    return page.Section("Calibration", page.facts({"expected calibration error": found["error"]}) + drawn)


def _fairness(column: str, between: Record, positive: Any) -> page.Section:
    from noria.report import charts

    differences = [
        (name.replace("_", " "), one["value"], _span(one), ", ".join(one["undecided"]))
        for name, one in between["differences"].items()
    ]
    rates = between["groups"][0]["rates"]
    rate = "selection_rate" if "selection_rate" in rates else next(iter(rates))
    known = [g for g in between["groups"] if g["rates"][rate]["low"] is not None]
    shares = [{"name": g["group"], **g["rates"][rate]} for g in known]
    given = between.get("label") or positive
    what = f"share given {given!r}" if rate == "selection_rate" else rate.replace("_", " ")
    drawn = page.chart(charts.intervals(shares), f"Each group's {what}, with 95 % interval") if shares else ""
    heads = ["", "largest difference", "95 % interval", "too few rows to judge"]
    return page.Section(f"Fairness by {column}", drawn + page.table(heads, differences))


def _span(one: Record) -> str | None:
    return None if one["value"] is None else f"{one['low']:.3g} to {one['high']:.3g}"


def _trials(record: Record) -> page.Section:
    from noria.report import charts

    trials = [(one["number"], one["params"], one["value"], one["state"]) for one in record["trials"]]
    drawn = page.chart(charts.trials(record["trials"], record["metric"]), "Each trial on the validation split")
    return page.Section("All trials", drawn + page.table(["", "parameters", record["metric"], "state"], trials))


def _unknown(record: Record) -> str:
    if "imported" in record:
        return "How the model was made, from which data, and how it does: it was imported, and no gate judged it."
    return (
        "Who is affected beyond the protected columns above, how the labels came to be, and what happens to people "
        "after a decision: the records do not say."
    )


def _environment(found: Record) -> dict[str, Any]:
    """What has room on a card; the record names every package."""
    packages = packages_of(found)
    about = {kind: str(found[kind]) for kind in ("python", "platform", "processors") if kind in found}
    return {**about, **{name: packages[name] for name in SHOWN if name in packages}}
