"""Release: may the candidate become the next version?"""

from typing import Any

import numpy as np
import polars as pl
from sqlalchemy import Connection

from noria.digest import Digest
from noria.model import package
from noria.model.signature import rows_of
from noria.release import card
from noria.release.gates import Case, Verdict, judge
from noria.stats.compare import Gap, paired
from noria.stats.metrics import METRICS
from noria.store import audit, lineage, registry
from noria.store.attempt import Alert, Attempt

FORMAT = 1
USES = {
    "collect": ("dataset", "version"),
    "validate": ("remedy",),
    "tune": ("study.json",),
    "train": ("model",),
    "analyze": ("analysis.json",),
}


def run(attempt: Attempt) -> None:
    """Let every gate judge; release the candidate, or refuse it and stop the run."""
    analysis = attempt.read_json("analyze", "analysis.json")
    with attempt.store.read() as c:
        champion = registry.champion(c, attempt.lifecycle)
        number = registry.next_number(c, attempt.lifecycle)
    verdicts = judge(list(attempt.config.gates), Case(analysis, lambda metric: _compare(attempt, champion, metric)))
    blocking = [v for v in verdicts if v.verdict == "block"]
    decision = "refused" if blocking else "released"
    reason = (
        "; ".join(f"{v.gate}: {v.evidence}" for v in blocking) or "every gate holds"
    )
    record = _record(attempt, analysis, verdicts, None if blocking else number, decision, reason)
    kept = attempt.save_json("release.json", record)
    attempt.save("card.html", card.card(record), "text/html")
    attempt.facts.update(
        decision=decision,
        model=attempt.lifecycle,
        number=record["number"],
        release=record["release"],
        champion=champion.number if champion else None,
        verdicts=record["verdicts"],
    )
    attempt.commit_with(lambda c: _keep(c, attempt, record, kept))
    if blocking:
        do = "Change data, features or model and run again; the card shows the evidence."
        attempt.alert(Alert("block", f"candidate refused: {reason}", f"{attempt.lifecycle} run {attempt.run_number}", do,
                            {"verdicts": record["verdicts"]}))  # fmt: skip
        attempt.block(f"The candidate is refused: {reason}. {do}")


def _compare(attempt: Attempt, champion: registry.ModelVersion | None, metric: str) -> Gap | None:
    """Candidate against champion on the same analysis rows."""
    if champion is None:
        return None
    rows = pl.read_parquet(attempt.open("preprocess", "rows.analysis.parquet"))
    y = np.load(attempt.open("preprocess", "y.analysis.npy"))
    answers = []
    for path in (attempt.artifacts.path(Digest(champion.package)), attempt.open("train", "model")):
        packed = package.read(path)
        frame = rows_of(rows, packed.signature.inputs)
        answers.append(packed.predictor().predict({name: frame[name].to_numpy() for name in frame.columns}).answer)
    if answers[0].shape != answers[1].shape or METRICS[metric].task != attempt.schema.task:
        return None
    return paired(metric, y, answers[0], answers[1], seed=attempt.seed)


def _record(
    attempt: Attempt, analysis: Any, verdicts: list[Verdict], number: int | None, decision: str, reason: str
) -> dict[str, Any]:
    study = attempt.read_json("tune", "study.json")
    train, collect = attempt.inputs["train"], attempt.inputs["collect"].facts
    plan = attempt.plan
    return {
        "release": Digest.of_json([attempt.run_id, train.outputs["model"].digest.hex]).hex[:16],
        "model": attempt.lifecycle,
        "number": number,
        "decision": decision,
        "reason": reason,
        "verdicts": [v.to_json() for v in verdicts],
        "run": attempt.run_id,
        "dataset": collect["dataset"],
        "dataset_version": collect["version"],
        "rows": attempt.inputs["preprocess"].facts["rows"],
        "remedy": attempt.inputs["validate"].facts["remedy"],
        "package": train.outputs["model"].digest.hex,
        "format": train.facts["format"],
        "estimator": train.facts["estimator"],
        "params": train.facts["params"],
        "metric": study["metric"],
        "trials": study["trials"],
        "seed": attempt.seed,
        "bundle": plan.bundle,
        "analysis": analysis,
        "decided_by": "gates",
    }


def _keep(c: Connection, attempt: Attempt, record: dict[str, Any], kept: Digest) -> None:
    at = attempt.clock.now()
    model, number, id = record["model"], record["number"], record["release"]
    registry.add_release(
        c,
        registry.Release(
            id=id, model=model, number=number, run_id=attempt.run_id, decision=record["decision"], record=kept.hex,
            verdicts=record["verdicts"], decided_by="gates", reason=record["reason"], at=at,
        ),
    )  # fmt: skip
    data = f"dataset_version:{record['dataset']}@{record['dataset_version']}"
    lineage.link(c, f"release:{id}", f"run:{attempt.run_id}", "decided in")
    lineage.link(c, f"release:{id}", f"artifact:{record['package']}", "about")
    lineage.link(c, f"run:{attempt.run_id}", data, "learned from")
    audit.record(
        c, attempt.clock, actor="gates", action=record["decision"], subject=f"model:{model}",
        after={"release": id, "number": number}, reason=record["reason"],
    )  # fmt: skip
    if number is None:
        return
    registry.add_version(
        c,
        registry.ModelVersion(
            model=model, number=number, package=record["package"], format=record["format"], run_id=attempt.run_id,
            dataset=record["dataset"], dataset_version=record["dataset_version"], params=record["params"],
            metrics=record["analysis"]["metrics"], release_id=id, created_at=at,
        ),
    )  # fmt: skip
    lineage.link(c, f"model_version:{model}@{number}", f"release:{id}", "released by")
    first = registry.champion(c, model) is None
    alias = registry.CHAMPION if first else registry.CHALLENGER
    registry.set_alias(c, attempt.clock, model, alias, number, actor="gates", reason=record["reason"])
