"""Release: may the candidate become the next version?"""

import time
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray
from sqlalchemy import Connection

from noria.digest import Digest
from noria.errors import BadLifecycle
from noria.model import package
from noria.model.environment import environment
from noria.model.frame import columns_of
from noria.release import card
from noria.release import record as records
from noria.release.approve import decided
from noria.release.decide import Decision, decide
from noria.release.gates import Case, Verdict, judge
from noria.release.register import register
from noria.stats.compare import Gap, paired
from noria.stats.metrics import METRICS
from noria.store import audit, lineage, registry
from noria.store.attempt import Alert, Attempt

FORMAT = 6
USES = {
    "collect": ("dataset", "version"),
    "validate": ("remedy",),
    "train": ("model",),
    "analyze": ("analysis.json",),
}


def run(attempt: Attempt) -> None:
    """Let every gate judge; release the candidate, or refuse it and stop the run."""
    analysis = attempt.read_json("analyze", "analysis.json")
    with attempt.store.read() as c:
        champion = registry.champion(c, attempt.lifecycle)
    size = attempt.inputs["train"].outputs["model"].bytes
    case = Case(analysis, lambda metric: _compare(attempt, champion, metric), size / 2**20, lambda: _one_row(attempt))
    verdicts = judge(attempt.config.gates, case)
    decision = decide(verdicts, attempt.config.approval)
    id = _id(attempt, champion, verdicts, decision)
    if decision.word == "waiting" and (said := _said_before(attempt, id)) is not None:
        _repeat(attempt, said, champion, verdicts)
        return
    record = _record(attempt, id, analysis, verdicts, decision, _number(attempt, id, decision))
    kept = attempt.save_json("release.json", record)
    attempt.save("card.html", card.card(record), "text/html")
    attempt.facts.update(
        decision=decision.word,
        model=attempt.lifecycle,
        number=record["number"],
        release=record["release"],
        champion=champion.number if champion else None,
        verdicts=record["verdicts"],
    )
    attempt.commit_with(lambda c: keep(c, attempt, record, kept))
    if decision.word != "released":
        _stop(attempt, decision, record)


def _said_before(attempt: Attempt, id: str) -> registry.Release | None:
    package = attempt.inputs["train"].outputs["model"].digest.hex
    with attempt.store.read() as c:
        return decided(c, attempt.lifecycle, id, package)


def _repeat(
    attempt: Attempt, said: registry.Release, champion: registry.ModelVersion | None, verdicts: list[Verdict]
) -> None:
    """A person decided about this candidate already: what was said holds, and nobody is asked again."""
    found = records.read(attempt.artifacts, said)
    attempt.save_json("release.json", found)
    attempt.save("card.html", card.card(found), "text/html")
    attempt.facts.update(
        decision=said.decision,
        model=attempt.lifecycle,
        number=said.number,
        release=said.id,
        champion=champion.number if champion else None,
        verdicts=[one.plain() for one in verdicts],
    )
    if said.decision != "released":
        attempt.block(f"The candidate was {said.decision} by {said.decided_by}: {said.reason}.")


def keep(c: Connection, attempt: Attempt, record: dict[str, Any], kept: Digest) -> None:
    """The effect: the release, and the version if there is one; doing it again changes nothing."""
    at, model, number, id = attempt.clock.now(), record["model"], record["number"], record["release"]
    if registry.of_release(c, id) is not None:
        return
    if number is None and id in {one.id for one in registry.releases(c, model)}:
        return
    registry.add_release(
        c,
        registry.Release(
            id=id,
            model=model,
            number=number,
            run_id=attempt.run_id,
            decision=record["decision"],
            record=kept.hex,
            verdicts=record["verdicts"],
            decided_by=record["decided_by"],
            reason=record["reason"],
            at=at,
        ),
    )
    data = f"dataset_version:{record['dataset']}@{record['dataset_version']}"
    lineage.link(c, f"release:{id}", f"run:{attempt.run_id}", "decided in")
    lineage.link(c, f"release:{id}", f"artifact:{record['package']}", "about")
    lineage.link(c, f"run:{attempt.run_id}", data, "learned from")
    if record["remedy"]:
        lineage.link(c, data, f"remedy:{record['remedy']}", "made fit by")
    after = {"release": id, "number": number}
    why = record["reason"]
    audit.record(
        c, attempt.clock, actor="gates", action=record["decision"], subject=f"model:{model}", after=after, reason=why
    )
    if number is None:
        return
    register(c, attempt.clock, record, run_id=attempt.run_id, actor="gates")


def _stop(attempt: Attempt, decision: Decision, record: dict[str, Any]) -> None:
    where = f"{attempt.lifecycle}, run {attempt.run_number}"
    evidence = {"verdicts": record["verdicts"], "release": record["release"]}
    if decision.word == "waiting":
        do = f"Look at the model card, then: noria model approve {record['release']} --reason '…'"
        attempt.alert(Alert("info", "a candidate waits for approval", where, do, evidence))
        attempt.block(f"The candidate waits for approval. {do}")
        return
    do = "Change data, features or model and run again; the model card shows the evidence."
    attempt.alert(Alert("block", f"candidate refused: {decision.reason}", where, do, evidence))
    attempt.block(f"The candidate is refused: {decision.reason}. {do}")


def _compare(attempt: Attempt, champion: registry.ModelVersion | None, metric: str) -> Gap | None:
    """Candidate against champion on the same analysis rows."""
    if METRICS[metric].task != attempt.schema.task:
        raise BadLifecycle(f"{metric} is no metric of {attempt.schema.task}", where="Release", do="Use another metric.")
    if champion is None:
        return None
    rows = pl.read_parquet(attempt.open("preprocess", "rows.analysis.parquet"))
    y = np.load(attempt.open("preprocess", "y.analysis.npy"))
    mine = _package(attempt)
    digest = Digest(champion.package)
    theirs = package.read(attempt.artifacts.path(digest), digest)
    old, new = (_scores(one, rows) for one in (theirs, mine))
    if theirs.signature.classes != mine.signature.classes:
        old = _in_order(old, theirs.signature.classes or (), mine.signature.classes or ())
    return paired(metric, y, old, new, seed=attempt.seed)


def _package(attempt: Attempt) -> package.Package:
    return package.read(attempt.open("train", "model"), attempt.inputs["train"].outputs["model"].digest)


def _scores(packed: package.Package, rows: pl.DataFrame) -> NDArray[Any]:
    return packed.predictor().predict(columns_of(rows, packed.signature.inputs)).scores


def _in_order(scores: NDArray[Any], have: tuple[Any, ...], want: tuple[Any, ...]) -> NDArray[Any]:
    """The champion's probabilities by the candidate's classes; one it does not know gets probability 0."""
    found = np.zeros((len(scores), len(want)), dtype=scores.dtype)
    for place, one in enumerate(want):
        if one in have:
            found[:, place] = scores[:, have.index(one)]
    return found


def _one_row(attempt: Attempt, rounds: int = 50) -> float:
    """Milliseconds for one row, the median of some."""
    packed = _package(attempt)
    row = pl.read_parquet(attempt.open("preprocess", "rows.analysis.parquet"), n_rows=1)
    predictor, columns = packed.predictor(), columns_of(row, packed.signature.inputs)
    times = []
    for _ in range(rounds):
        began = time.perf_counter()
        predictor.predict(columns)
        times.append(time.perf_counter() - began)
    return 1000 * float(np.median(times))


def _id(attempt: Attempt, champion: registry.ModelVersion | None, verdicts: list[Verdict], decision: Decision) -> str:
    """By content: one candidate, judged alike against one champion, is one release however often it is run."""
    package = attempt.inputs["train"].outputs["model"].digest.hex
    against = champion.number if champion else None
    judged = [one.plain() for one in verdicts]
    return Digest.of_json([attempt.lifecycle, package, against, judged, decision.word]).hex[:16]


def _number(attempt: Attempt, id: str, decision: Decision) -> int | None:
    """The version's number: the one that this very release was given before, or the next."""
    if decision.word != "released":
        return None
    with attempt.store.read() as c:
        made = registry.of_release(c, id)
        return made.number if made else registry.next_number(c, attempt.lifecycle)


def _record(
    attempt: Attempt, id: str, analysis: Any, verdicts: list[Verdict], decision: Decision, number: int | None
) -> dict[str, Any]:
    """All an auditor asks for; no times in it, so that the same work gives the same bytes."""
    study = attempt.read_json("tune", "study.json")
    train, collect = attempt.inputs["train"], attempt.inputs["collect"].facts
    trials = [{key: one[key] for key in ("number", "params", "value", "state")} for one in study["trials"]]
    return {
        "release": id,
        "model": attempt.lifecycle,
        "number": number,
        "decision": decision.word,
        "reason": decision.reason,
        "decided_by": "gates",
        "verdicts": [one.plain() for one in verdicts],
        "run": attempt.run_id,
        "dataset": collect["dataset"],
        "dataset_version": collect["version"],
        "rows": attempt.inputs["preprocess"].facts["rows"],
        "remedy": attempt.inputs["validate"].facts["remedy"],
        "package": train.outputs["model"].digest.hex,
        "format": train.facts["format"],
        "onnx": attempt.read_json("train", "onnx.json"),
        "estimator": train.facts["estimator"],
        "params": train.facts["params"],
        "metric": study["metric"],
        "trials": trials,
        "seed": attempt.seed,
        "bundle": attempt.plan.bundle,
        "environment": train.facts.get("environment") or environment(),
        "analysis": analysis,
    }
