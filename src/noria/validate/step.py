"""Validate: may this version go on?"""

import json
from functools import reduce
from itertools import combinations
from typing import Any

from noria.data import split, table
from noria.data.profile import Profile
from noria.digest import Digest
from noria.errors import BadInput
from noria.store import audit, datasets
from noria.store.attempt import Alert, Attempt
from noria.validate import anomalies, charts, shift
from noria.validate.report import Anomaly, Verdict, judge

FORMAT = 2
USES = {"collect": ("dataset", "version", "digest", "batches", "new", "baseline")}


def run(attempt: Attempt) -> None:
    """Hold the new batches against the baseline; stop the run if the label's shares moved."""
    facts = attempt.inputs["collect"].facts
    with attempt.store.read() as c:
        batches = {b.id: b for b in datasets.batches(c, facts["dataset"])}
        base = None if facts["baseline"] is None else datasets.get_version(c, facts["dataset"], facts["baseline"])
        version = datasets.get_version(c, facts["dataset"], facts["version"])
    profiles = {id: _profile(attempt, batches[id]) for id in facts["batches"]}
    whole = reduce(Profile.merge, profiles.values())
    _usable(whole, attempt)
    fresh = reduce(Profile.merge, [profiles[id] for id in facts["new"]]) if facts["new"] else whole
    before = reduce(Profile.merge, [profiles[id] for id in base.batches if id in profiles]) if base else None
    remedy = _remedy(attempt, version, base)
    found = list(_findings(attempt, whole, fresh, before, shifted_ok=remedy is not None))
    verdict = judge(found, remedy)
    schema = anomalies.infer(whole)
    _save(attempt, verdict, schema, whole, fresh, before)
    attempt.commit_with(
        lambda c: datasets.set_verdict(
            c, version.dataset, version.number, verdict=verdict.word, remedy=remedy,
            schema=attempt.outputs["schema.json"].digest.hex, profile=attempt.outputs["profile.json"].digest.hex,
        )
    )  # fmt: skip
    if attempt.remedy is not None:
        attempt.commit_with(
            lambda c: audit.record(
                c, attempt.clock, actor=attempt.settings.actor, action="remedy",
                subject=f"dataset_version:{version.dataset}@{version.number}",
                before=version.remedy, after=remedy, reason="label shift",
            )
        )  # fmt: skip
    _tell(attempt, verdict)


def _profile(attempt: Attempt, batch: datasets.Batch) -> Profile:
    return Profile.from_json(json.loads(attempt.artifacts.get(Digest(str(batch.profile)))))


def _usable(whole: Profile, attempt: Attempt) -> None:
    label = whole.columns.get(attempt.schema.label)
    if label is not None and label.missing:
        raise BadInput(
            f"{label.missing:,} rows have no label",
            where=f"column {attempt.schema.label}",
            do="Remove or label those rows.",
        )
    if attempt.schema.task == "classification" and len(whole.labels) < 2:
        only = f"only the value {next(iter(whole.labels))!r}" if whole.labels else "no values"
        raise BadInput(
            f"label {attempt.schema.label!r} has {only}",
            where=f"{whole.rows:,} rows",
            do="Collect rows of at least two classes, or correct the label's name in the schema.",
        )


def _remedy(attempt: Attempt, version: datasets.Version, base: datasets.Version | None) -> str | None:
    """What this run was started with, or what was decided for this version or the one it grew from."""
    if attempt.remedy is not None:
        return None if attempt.remedy == "none" else attempt.remedy
    return version.remedy or (base.remedy if base else None)


def _findings(
    attempt: Attempt, whole: Profile, fresh: Profile, before: Profile | None, *, shifted_ok: bool
) -> list[Anomaly]:
    config, schema = attempt.config, attempt.schema
    found = list(anomalies.constant(whole, schema))
    severity = "warn" if shifted_ok or config.on_shift == "warn" else "block"
    if before is not None and attempt.inputs["collect"].facts["new"]:
        found += anomalies.against_schema(anomalies.infer(before), fresh, config)
        found += anomalies.drift(before, fresh, schema, config.drift)
        if schema.task == "classification":
            found += shift.label_shift(before.labels, fresh.labels, bound=config.label_shift, severity=severity,
                                       between="in the new data")  # fmt: skip
    if schema.task == "classification":
        found += _between_splits(attempt)
    return found


def _between_splits(attempt: Attempt) -> list[Anomaly]:
    facts, schema = attempt.inputs["collect"].facts, attempt.schema
    wanted = [name for name in (schema.label, schema.subject) if name] if schema.subject else None
    rows = table.scan(f"{attempt.settings.data}/{facts['dataset']}", facts["batches"])
    frame = (rows.select(wanted) if wanted else rows).collect()
    counted = frame.with_columns(split.assign(frame, schema)).group_by("split", schema.label).len()
    labels: dict[str, dict[str, int]] = {}
    for name, label, count in counted.iter_rows():
        if label is not None:
            labels.setdefault(name, {})[str(label)] = count
    found: list[Anomaly] = []
    for a, b in combinations(sorted(labels), 2):
        found += shift.label_shift(labels[a], labels[b], bound=attempt.config.skew, severity="warn",
                                   between=f"between {a} and {b} split")  # fmt: skip
    return found


def _save(
    attempt: Attempt, verdict: Verdict, schema: dict[str, Any], whole: Profile, fresh: Profile, before: Profile | None
) -> None:
    attempt.save_json("schema.json", schema)
    attempt.save_json("profile.json", whole.to_json())
    attempt.save_json("verdict.json", verdict.to_json())
    facts = attempt.inputs["collect"].facts
    title = f"Validation of {facts['dataset']}@{facts['version']}"
    attempt.save("report.html", charts.report(title, verdict, fresh, before), "text/html")
    attempt.facts.update(
        verdict=verdict.word,
        remedy=verdict.remedy,
        anomalies=len(verdict.anomalies),
        labels=whole.label_shares(),
    )


def _tell(attempt: Attempt, verdict: Verdict) -> None:
    facts = attempt.inputs["collect"].facts
    for one in verdict.anomalies:
        if one.severity != "info":
            where = f"{facts['dataset']}@{facts['version']}, {one.column}"
            attempt.alert(Alert(one.severity, one.what, where, one.do, one.evidence))
    if verdict.word == "block":
        blocking = [one for one in verdict.anomalies if one.severity == "block"]
        attempt.block("; ".join(f"{one.column}: {one.what}" for one in blocking) + f". {blocking[0].do}")
