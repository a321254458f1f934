"""The dossier of a model version as one page: what an auditor asks for, from the records, with what they do not say."""

from collections.abc import Iterator, Mapping, Sequence
from html import escape
from typing import Any

from noria.report.page import Section, facts, page, table

Found = Mapping[str, Any]
STYLE = (
    "<style>.missing{color:var(--warn)}h3{font-size:1rem;margin:1.1rem 0 .2rem}"
    "ul{margin:.2rem 0 .2rem 1.2rem;padding:0}</style>"
)


def html(found: Found, card: Sequence[Section]) -> bytes:
    """The page. ``card``: the sections of the model's card."""
    lead = (
        f'Made at {_day(found["made_at"])} UTC from the records. What they do not say is marked <span class="missing">'
        f"not recorded</span>: it is for a person to write. {STYLE}"
    )
    return page(f"Dossier of {found['model']}@{found['number']}", lead, [*_sections(found), *card, *_audit(found)])


def _sections(found: Found) -> Iterator[Section]:
    record = found["record"]
    yield Section("At a glance", facts({
        "decision": f"{record.get('decision')} by {record.get('decided_by')}: {record.get('reason')}",
        "traffic now": f"{found['live']['weight']:.0%}",
        "data": f"{found['data']['dataset']}@{found['data']['version']}" if found["data"] else "imported",
        "package (SHA-256)": record.get("package"),
        "learned from rows erased since": ", ".join(one["erasure"] for one in found["learned_from_erased"]) or "no",
        "legal holds": ", ".join(f"{one['what']}: {one['reason']}" for one in found["holds"]) or "none",
    }))  # fmt: skip
    yield Section("Technical documentation along Annex IV of the EU AI Act (draft)", _annex(found["annex_iv"]))
    if found["data"]:
        yield Section("Data sheet", _data(found["data"]))
    yield Section("Bias report", _bias(record.get("analysis") or {}))
    yield Section("Performance so far", _performance(found["performance"]))
    aliases = [(one["alias"], _day(one["since"]), _day(one["until"] or ""), one["by"], one["reason"])
               for one in found["live"]["aliases"]]  # fmt: skip
    yield Section("What it was called", table(["alias", "since", "until", "by", "why"], aliases))


def _annex(points: Sequence[Found]) -> str:
    parts = []
    for one in points:
        said = "".join(f"<li>{escape(text)}</li>" for text in one["said"])
        missing = "".join(f'<li class="missing">not recorded: {escape(text)}</li>' for text in one["not_recorded"])
        nothing = "" if said or missing else "<li>Nothing is on record.</li>"
        parts.append(f"<h3>{escape(one['number'])} {escape(one['title'])}</h3><ul>{said}{missing}{nothing}</ul>")
    return "".join(parts)


def _data(data: Found) -> str:
    about = {
        "version": f"{data['dataset']}@{data['version']}",
        "rows": data["rows"],
        "verdict": data["verdict"],
        "remedy": data["remedy"],
        "label": data["schema"].get("label"),
        "subject": data["schema"].get("subject"),
        "protected": ", ".join(data["schema"].get("protected") or ()) or None,
        "digest": data["digest"],
    }
    batches = [(b["batch"], b["source"], b["origin"], b["rows"], _day(b["arrived_at"])) for b in data["batches"]]
    found = [(one.get("severity"), one.get("what"), one.get("where")) for one in data["anomalies"]]
    amended = [(a["erasure"], _day(a["at"]), a["rows_before"], a["rows_after"]) for a in data["amended"]]
    return (
        facts(about)
        + table(["batch", "source", "origin", "rows", "arrived"], batches)
        + "<h3>What validation found</h3>"
        + table(["", "what", "where"], found)
        + "<h3>What was erased since</h3>"
        + table(["erasure", "at", "rows before", "rows after"], amended)
    )


def _bias(analysis: Found) -> str:
    if not analysis:
        return '<p class="missing">not recorded: it was imported, and nobody analysed it here.</p>'
    rows = []
    for column, between in (analysis.get("fairness") or {}).items():
        for group in between["groups"]:
            for rate, one in group["rates"].items():
                rows.append((column, group["group"], group.get("rows"), rate, one.get("value"), _between(one)))
    differences = [
        (column, name, one["value"], ", ".join(one["undecided"]))
        for column, between in (analysis.get("fairness") or {}).items()
        for name, one in between["differences"].items()
    ]
    disjoint = analysis.get("disjoint") or {}
    proof = {"rows for analysis": disjoint.get("rows"), "rows learned from": disjoint.get("learned_rows"),
             "subjects in both": disjoint.get("shared")}  # fmt: skip
    return (
        table(["by", "measure", "largest difference", "too few rows to judge"], differences)
        + "<h3>Each group</h3>"
        + table(["by", "group", "rows", "rate", "value", "95 % interval"], rows)
        + "<h3>Measured on rows it never saw</h3>"
        + facts(proof)
    )


def _performance(found: Found | None) -> str:
    if found is None:
        return '<p class="missing">not recorded: it has answered nobody so far.</p>'
    about = {
        "predictions": found["predictions"],
        "with a label": found["labelled"],
        "share still unlabelled": f"{found['unlabelled']:.1%}",
    }
    live = [(name, span["value"], _between(span)) for name, span in found["metrics"].items()]
    estimated = [(name, span["value"], _between(span)) for name, span in found["estimated"].items()]
    heads = ["metric", "value", "95 % interval"]
    slices = [(one["name"], one["labelled"], *_first(one["metrics"])) for one in found["slices"]]
    windows = [(one["name"], one["labelled"], *_first(one["metrics"])) for one in found["windows"]]
    parts = [facts(about), "<h3>Measured</h3>", table(heads, live)]
    parts += ["<h3>Expected without labels</h3>", table(heads, estimated)] if estimated else []
    parts += ["<h3>By slice</h3>", table(["slice", "labelled", "metric", "value"], slices)] if slices else []
    parts += ["<h3>By time</h3>", table(["from", "labelled", "metric", "value"], windows)] if windows else []
    return "".join(parts)


def _first(metrics: Found) -> tuple[str | None, float | None]:
    return next(((name, span["value"]) for name, span in metrics.items()), (None, None))


def _between(span: Found) -> str | None:
    return f"{span['low']:.4g} to {span['high']:.4g}" if span.get("low") is not None else None


def _audit(found: Found) -> Iterator[Section]:
    extract = found["audit"]
    rows = [
        (one["number"], _day(one["at"]), one["actor"], one["action"], one["subject"], one["reason"], one["hash"][:12])
        for one in extract["entries"]
    ]
    wrong = " ".join(extract["problems"])
    sound = f"The chain does not hold: {wrong}" if wrong else "The chain holds"
    said = f"<p>{escape(sound)}: {extract['checked']:,} entries, the newest {escape(str(extract['newest']))}.</p>"
    yield Section("From the log of decisions", said + table(["", "at", "by", "what", "of", "why", "hash"], rows))
    steps = [(one["step"], one["state"], one["seconds"], one["memory_mb"]) for one in found["steps"]]
    yield Section("Steps of its run", table(["step", "state", "seconds", "MiB"], steps))


def _day(time: str) -> str:
    return str(time)[:19].replace("T", " ")
