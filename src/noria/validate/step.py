"""Validate: may this version go on?"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import polars as pl

from noria.data import table
from noria.data.profile import Profile
from noria.errors import BadInput
from noria.store import audit, datasets
from noria.store.attempt import Alert, Attempt
from noria.validate import anomalies, charts, splits
from noria.validate import batches as profiles
from noria.validate.compare import compare
from noria.validate.findings import Fresh, findings
from noria.validate.report import Anomaly, Verdict, judge

FORMAT = 4
SOME = 20_000  # new rows that are looked at one by one
USES = {"collect": ("dataset", "version", "digest", "batches", "new", "baseline")}


def run(attempt: Attempt) -> None:
    """Hold the new batches against the baseline; stop the run if the label's shares moved."""
    facts = attempt.inputs["collect"].facts
    with attempt.store.read() as c:
        batches = {b.id: b for b in datasets.batches(c, facts["dataset"])}
        base = None if facts["baseline"] is None else datasets.get_version(c, facts["dataset"], facts["baseline"])
        version = datasets.get_version(c, facts["dataset"], facts["version"])
    before = _before(attempt, base, batches)
    new = facts["new"] or ([] if before else facts["batches"])
    fresh = _counted(attempt, [batches[id] for id in new]) if new else before
    assert fresh is not None
    whole = before.merge(fresh) if before and new else fresh
    _usable(whole, attempt)
    remedy = _remedy(attempt, version, base)
    found = _findings(attempt, whole, fresh, before, [batches[id] for id in new], shifted_ok=remedy is not None)
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


def _before(attempt: Attempt, base: datasets.Version | None, batches: Mapping[str, datasets.Batch]) -> Profile | None:
    """The baseline's profile: as its own validation kept it, unless batches were taken out since."""
    if base is None:
        return None
    held = attempt.inputs["collect"].facts["batches"]
    if set(base.batches) <= set(held):
        kept = profiles.kept(attempt, base.profile)
        if kept is not None and (kept.splits or attempt.schema.task == "regression"):
            return kept
    left = [batches[id] for id in base.batches if id in held]
    return _counted(attempt, left) if left else None


def _counted(attempt: Attempt, batches: Sequence[datasets.Batch]) -> Profile:
    """The profile of batches, with the labels of each split."""
    return replace(profiles.merged(attempt, batches), splits=splits.labels(_rows(attempt, batches), attempt.schema))


def _rows(attempt: Attempt, batches: Sequence[datasets.Batch]) -> pl.LazyFrame:
    dataset = attempt.inputs["collect"].facts["dataset"]
    return table.scan(f"{attempt.settings.data}/{dataset}", [batch.id for batch in batches]).drop(table.RESERVED)


def _usable(whole: Profile, attempt: Attempt) -> None:
    label = whole.columns.get(attempt.schema.label)
    if label is not None and label.missing:
        raise BadInput(
            f"{label.missing:,} rows have no label",
            where=f"column {attempt.schema.label}",
            do="Remove or label those rows.",
        )
    if attempt.schema.task != "regression" and len(whole.labels) < 2:
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
    attempt: Attempt,
    whole: Profile,
    fresh: Profile,
    before: Profile | None,
    new: Sequence[datasets.Batch],
    *,
    shifted_ok: bool,
) -> list[Anomaly]:
    config, schema = attempt.config, attempt.schema
    found = list(splits.label_skew(whole.splits, config))
    if not new:
        return [*found, *anomalies.constant(whole, schema)]
    severity = "warn" if shifted_ok or config.on_shift == "warn" else "block"
    some = _rows(attempt, new).head(SOME).collect()
    arrived = max(batch.arrived_at for batch in new)
    return [*found, *findings(Fresh(fresh, arrived, some), before, schema, config, shifted=severity)]


def _save(
    attempt: Attempt, verdict: Verdict, schema: dict[str, Any], whole: Profile, fresh: Profile, before: Profile | None
) -> None:
    attempt.save_json("schema.json", schema)
    attempt.save_json("profile.json", profiles.to_json(whole, attempt.schema))
    held = compare(before, fresh, attempt.schema, attempt.config) if before else None
    attempt.save_json("verdict.json", {**verdict.to_json(), "comparison": held})
    facts = attempt.inputs["collect"].facts
    title = f"Validation of {facts['dataset']}@{facts['version']}"
    attempt.save("report.html", charts.report(title, verdict, fresh, before, held), "text/html")
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
