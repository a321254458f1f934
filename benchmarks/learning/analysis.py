"""The analysis of 100k rows: bootstrap, given and found slices, fairness, sensitivity, importance, near-duplicates."""

from pathlib import Path
from time import perf_counter

from benchmarks.data import reference
from benchmarks.measure import Line, Target, Trouble
from benchmarks.project import workplace
from noria import settings
from noria.analyze.config import Analyze
from noria.data.schema import Schema
from noria.lifecycle import Lifecycle
from noria.plan import Plan, Step
from noria.run import execute as runner
from noria.run.place import Code, Place, open_place
from noria.store import runs

ROWS = 142_858  # of which seven tenths are the analysis split
SCHEMA = Schema(
    label="label", subject="who", time="at", protected=["flag", "kind0"], positive="yes", drop=["kind3"],
    shares=(0.2, 0.1, 0.7),
)  # fmt: skip
BEFORE = ("collect", "validate", "preprocess", "tune", "train")
TARGET_S = 20.0
REPETITIONS = 3


def lines() -> list[Line]:
    with workplace("analysis") as (folder, _):
        (folder / "inbox").mkdir()
        reference.table(ROWS).write_parquet(folder / "inbox" / "1.parquet")
        place = open_place(settings.load(folder, environ={"NORIA_ACTOR": "benchmark"}))
        try:
            took = _measured(place, folder)
        finally:
            place.store.close()
    name = "analysis of 100k rows, 17 features, 200 bootstrap rounds, all of it"
    return [Line(name, "s", took, [], Target(TARGET_S))]


def _measured(place: Place, folder: Path) -> list[float]:
    lifecycle = Lifecycle(
        "reference", collect="inbox/*.parquet", schema=SCHEMA, analyze=Analyze(slices=["kind1", "flag & kind0"])
    )
    code = Code(lifecycle, folder)
    words = (*BEFORE, "analyze")
    steps = tuple(
        Step(word, (before,) if before else ()) for before, word in zip(("", *words[:-1]), words, strict=True)
    )
    plan = Plan(lifecycle.name, steps, bundle="", entry="lifecycle.py")
    return [_turn(place, code, plan) for _ in range(REPETITIONS)]


def _turn(place: Place, code: Code, plan: Plan) -> float:
    """A run in which the analysis is done again; its seconds. What comes before it is reused from the first one."""
    with place.store.begin() as c:
        run = runs.start(c, place.clock, plan, key=str(perf_counter()), trigger="benchmark", remedy=None)
    took = 0.0
    for word in (*BEFORE, "analyze"):
        began = perf_counter()
        done = runner.execute(place, code, runner.Order(run, word, force=word == "analyze"))
        took = perf_counter() - began
        if done.step.state not in ("done", "reused"):
            raise Trouble(f"{word} ended as {done.step.state}")
    with place.store.begin() as c:
        runs.end(c, place.clock, run.id, "done")
    return took
