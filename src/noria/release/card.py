"""The model card."""

from collections.abc import Mapping
from typing import Any

from noria.report import page


def card(record: Mapping[str, Any]) -> bytes:
    """A page that says what the model is, what it was made of, how it does, and why it was (not) released."""
    number = record["number"]
    title = f"{record['model']}@{number}" if number else f"{record['model']}: a candidate that was refused"
    analysis = record["analysis"]
    lead = f"Decision: {page.word('pass' if number else 'block')} {record['decision']}. {record['reason']}"
    sections = [
        page.Section("Gates", page.table(["gate", "verdict", "evidence"],
                                         [(v["gate"], v["verdict"], v["evidence"]) for v in record["verdicts"]])),
        page.Section("Made of", page.facts({
            "data": f"{record['dataset']}@{record['dataset_version']}", "rows": record["rows"], "estimator": record["estimator"],
            "format": record["format"], "parameters": record["params"], "remedy": record["remedy"], "seed": record["seed"],
            "code bundle": record["bundle"][:12], "trials": len(record["trials"]),
        })),
        page.Section("How it does on the analysis split", page.facts(analysis["metrics"])),
        *(page.Section(f"Fairness by {column}", page.facts(found["differences"])) for column, found in analysis["fairness"].items()),
        page.Section("Trials", page.table(["", "parameters", record["metric"], "state"],
            [(t["number"], t["params"], t["value"], t["state"]) for t in record["trials"]])),
        page.Section("Not known", "<p>Who is affected beyond the protected columns above, how the labels were given, and what "
                     "happens to people after a decision: the records do not say.</p>"),
    ]  # fmt: skip
    return page.page(title, lead, sections)
