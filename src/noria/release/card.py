"""The model card: what it is, what it was made of, how it does, and why it was (not) released."""

from collections.abc import Iterator, Mapping
from typing import Any

from noria.report import page


def card(record: Mapping[str, Any]) -> bytes:
    """The card as one self-contained page."""
    number = record["number"]
    title = f"{record['model']}@{number}" if number else f"{record['model']}: a candidate, {record['decision']}"
    colour = {"released": "pass", "waiting": "warn", "refused": "block"}[record["decision"]]
    lead = f'<span class="{colour}">{record["decision"]}</span>: {_escape(record["reason"])}'
    return page.page(title, lead, list(_sections(record)))


def _sections(record: Mapping[str, Any]) -> Iterator[page.Section]:
    from noria.report import charts  # drawing is slow to load

    analysis = record["analysis"]
    verdicts = [(one["gate"], one["verdict"], one["evidence"]) for one in record["verdicts"]]
    yield page.Section("Gates", page.table(["gate", "verdict", "evidence"], verdicts))
    made_of = {
        "data": f"{record['dataset']}@{record['dataset_version']}",
        "rows": record["rows"],
        "estimator": record["estimator"],
        "format": record["format"],
        "parameters": record["params"],
        "remedy": record["remedy"],
        "seed": record["seed"],
        "code bundle": record["bundle"][:12],
        "trials": len(record["trials"]),
        "decided by": record["decided_by"],
        **record["environment"],
    }
    yield page.Section("Made of", page.facts(made_of))
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
    for column, between in analysis["fairness"].items():
        differences = [
            (name, one["value"], ", ".join(one["undecided"])) for name, one in between["differences"].items()
        ]
        heads = ["", "largest difference", "too few rows to judge"]
        shares = [{"name": g["group"], **g["rates"]["selection_rate"]} for g in between["groups"]]
        caption = f"Share of each group that is given {analysis['positive']!r}, with 95 % interval"
        drawn = page.chart(charts.intervals(shares), caption) if shares else ""
        yield page.Section(f"Fairness by {column}", drawn + page.table(heads, differences))
    trials = [(one["number"], one["params"], one["value"], one["state"]) for one in record["trials"]]
    drawn = page.chart(charts.trials(record["trials"], record["metric"]), "Each trial on the validation split")
    yield page.Section("All trials", drawn + page.table(["", "parameters", record["metric"], "state"], trials))
    yield page.Section(
        "Not known",
        "<p>Who is affected beyond the protected columns above, how the labels came to be, and what happens to people "
        "after a decision: the records do not say.</p>",
    )


def _escape(text: str) -> str:
    from html import escape

    return escape(text)
