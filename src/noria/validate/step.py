"""Validate: may this version go on?"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection

from noria.data.profile import Profile
from noria.errors import BadInput
from noria.plan import Step
from noria.store import alerts, audit, datasets, verdicts
from noria.store.attempt import Alert, Attempt
from noria.store.datasets import Batch
from noria.validate import anomalies, skew, splits
from noria.validate import batches as profiles
from noria.validate.case import Case, case_of
from noria.validate.compare import compare
from noria.validate.expected import infer
from noria.validate.findings import Fresh, findings
from noria.validate.report import Anomaly, Verdict, graded, judge

FORMAT = 6
KNOWN = 500  # newest alerts, which are not sent again
USES = {"collect": ("dataset", "version", "digest", "batches", "new", "baseline")}


def observe(world: Any, step: Step) -> int | None:
    """How many of what was served there is to compare with: the newest commit of its table."""
    return skew.newest(world.settings, world.lifecycle)


@dataclass(frozen=True, slots=True)
class Judged:
    """What was found in some new batches; ``whole`` is the profile of these and of all before."""

    found: Sequence[Anomaly]
    fresh: Profile
    whole: Profile


def run(attempt: Attempt) -> None:
    """Hold the new batches against the baseline; stop the run if a rule that blocks does not hold."""
    case = case_of(attempt)
    seen = _judged(case, case.new)
    _usable(seen.whole, attempt)
    served = skew.served(attempt.settings, attempt.lifecycle, seen.whole, attempt.schema, attempt.config)
    found = [*seen.found, *graded([*served], attempt.config.words(), {})]
    blocked = judge(found, None).word == "block"
    verdict = judge(found, case.remedy if blocked or case.remedy != verdicts.ACCEPT else case.version.remedy)
    _save(case, verdict, seen)
    by_data = judge(seen.found, verdict.remedy).word == "block"  # not by what is served, which no batch is to blame for
    attempt.facts["blamed"] = _blamed(case) if by_data else []
    attempt.commit_with(lambda c: _decide(c, case, verdict, blocked=blocked))
    _tell(case, verdict)


def part(attempt: Attempt) -> None:
    """Make the profiles of every so many of the new batches: whoever judges them then finds those made."""
    case = case_of(attempt)
    mine = case.new[attempt.part - 1 :: attempt.step.shards]
    if mine:
        profiles.merged(attempt, mine)
    attempt.facts["profiled"] = [batch.id for batch in mine]


def _judged(case: Case, new: Sequence[Batch]) -> Judged:
    attempt = case.attempt
    config, schema, before = attempt.config, attempt.schema, case.before
    fresh = case.profile(new) if new else before
    assert fresh is not None, "a version without new batches has a baseline"
    whole = before.merge(fresh) if before and new else fresh
    words = config.words()
    found = [*graded([*splits.label_skew(whole.splits, config)], words, {})]
    if not new:
        found += graded([*anomalies.constant(whole, schema)], words, {})
    else:
        rows = Fresh(fresh, max(batch.arrived_at for batch in new), case.rows(new), case.cuts)
        found += findings(rows, before, schema, config, must=case.must, labels=case.labels)
    return Judged(found, fresh, whole)


def _blamed(case: Case) -> list[str]:
    """Ids of the new batches that are blocked each by itself; of all of them if none is."""
    alone = [one.id for one in case.new if judge(_judged(case, [one]).found, case.remedy).word == "block"]
    return alone or [one.id for one in case.new]


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


def _save(case: Case, verdict: Verdict, seen: Judged) -> None:
    from noria.validate import pages  # drawing takes as long to import as all the rest of the step to do

    attempt, before = case.attempt, case.before
    inferred = infer(seen.whole, attempt.config.missing)
    attempt.save_json("schema.json", {name: one.to_json() for name, one in inferred.items()})
    attempt.save_json("profile.json", profiles.to_json(seen.whole, attempt.schema))
    held = compare(before, seen.fresh, attempt.schema, attempt.config) if before else None
    attempt.save_json("verdict.json", {**verdict.to_json(), "comparison": held})
    title = f"Validation of {case.version.dataset}@{case.version.number}"
    attempt.save("report.html", pages.report(title, verdict, seen.fresh, before, held), "text/html")
    attempt.facts.update(
        verdict=verdict.word,
        remedy=verdict.remedy,
        anomalies=len(verdict.anomalies),
        labels=seen.whole.label_shares(),
    )
    if case.cuts is not None:
        attempt.facts["cuts"] = case.cuts


def _decide(c: Connection, case: Case, verdict: Verdict, *, blocked: bool) -> None:
    """Put the verdict on record, and if a person eased it in this run, who and why."""
    attempt, version = case.attempt, case.version
    accepted = attempt.remedy == verdicts.ACCEPT and blocked
    datasets.set_verdict(
        c,
        version.dataset,
        version.number,
        verdict="block" if accepted else verdict.word,
        remedy=version.remedy if attempt.remedy == verdicts.ACCEPT else verdict.remedy,
        schema=attempt.outputs["schema.json"].digest.hex,
        profile=attempt.outputs["profile.json"].digest.hex,
        cuts=case.cuts,
    )
    if attempt.remedy is None or attempt.remedy == verdicts.QUARANTINE:
        return
    person = verdicts.who_asked(c, attempt.run_id, attempt.settings.actor)
    if accepted:
        verdicts.accept(c, attempt.clock, version.dataset, version.number, person)
    elif attempt.remedy != verdicts.ACCEPT:
        audit.record(
            c,
            attempt.clock,
            actor=person.name,
            action="remedy",
            subject=f"dataset_version:{version.dataset}@{version.number}",
            before=version.remedy,
            after=verdict.remedy,
            reason=person.reason,
        )


def _tell(case: Case, verdict: Verdict) -> None:
    attempt = case.attempt
    with attempt.store.read() as c:
        told = {(one.where, one.evidence.get("rule")) for one in alerts.newest(c, attempt.lifecycle, KNOWN)}
    for one in verdict.anomalies:
        where = f"{case.version.dataset}@{case.version.number}, {one.column}"
        again = one.rule == "serving_skew" and (where, one.rule) in told  # it is looked at whenever more was served
        if one.severity != "info" and not again:
            attempt.alert(Alert(one.severity, one.what, where, one.do, {"rule": one.rule, **one.evidence}))
    blocking = verdict.blocking()
    if blocking:
        attempt.block("; ".join(f"{one.column}: {one.what}" for one in blocking) + f". {blocking[0].do}")
