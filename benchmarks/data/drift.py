"""Two samples summarised and held against each other, beside Evidently; and a new batch on top of many rows."""

import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from time import perf_counter

import polars as pl

from benchmarks.data import evidently, reference
from benchmarks.measure import Line, Peer, Target, Trouble, in_turns, timed
from benchmarks.project import workplace
from noria import settings
from noria.data.profile import profile
from noria.lifecycle import Lifecycle
from noria.plan import Plan, Step
from noria.run import execute as runner
from noria.run.place import Code, Place, open_place
from noria.store import runs
from noria.validate.compare import compare

SAMPLE, SAMPLE_TARGET_S = 500_000, 1.2
BATCH, OLD, FILE = 100_000, 10_000_000, 1_000_000
TARGET_TIMES = 1.3
REPETITIONS = 5


def lines() -> list[Line]:
    return [_samples(), _on_top()]


def _samples() -> Line:
    """The peer runs once: it takes minutes."""
    with reference.files(SAMPLE, 2) as paths:
        try:
            peer = Peer(evidently.TITLE, [evidently.summary_and_drift(*paths)])
        except Trouble as trouble:
            peer = Peer(evidently.TITLE, missing=str(trouble))

        def ours() -> object:
            old, new = (profile(pl.scan_parquet(path), reference.SCHEMA) for path in paths)
            return compare(old, new, reference.SCHEMA)

        took = in_turns({"noria": lambda: timed(ours)})["noria"]
    return Line("summary and drift of two samples of 500k", "s", took, [peer], Target(SAMPLE_TARGET_S))


def _on_top() -> Line:
    """What the step takes for 100k new rows: in a dataset of ten million, and in one of as many as are new."""
    with ExitStack() as stack:
        large = stack.enter_context(_dataset([FILE] * (OLD // FILE)))
        small = stack.enter_context(_dataset([BATCH]))
        took = in_turns({"large": large, "small": small}, REPETITIONS)
    return Line(
        "validate 100k new rows on top of 10M",
        "s",
        took["large"],
        [Peer("on top of 100k", took["small"])],
        Target(TARGET_TIMES, of_ratio=True),
    )


@contextmanager
def _dataset(files: list[int]) -> Iterator[Callable[[], float]]:
    """A project that has validated such files; what is given validates another batch and returns its seconds."""
    with workplace("validate") as (folder, _):
        inbox = folder / "inbox"
        inbox.mkdir()
        for number, rows in enumerate(files):
            reference.table(rows, number).write_parquet(inbox / f"{number}.parquet")
        place = open_place(settings.load(folder, environ={"NORIA_ACTOR": "benchmark"}))
        code = Code(Lifecycle("reference", collect="inbox/*.parquet", schema=reference.SCHEMA), folder)
        _turn(place, code)
        numbers = iter(range(1000, 2000))

        def another() -> float:
            number = next(numbers)
            reference.table(BATCH, number).write_parquet(inbox / f"{number}.parquet")
            return _turn(place, code)

        try:
            yield another
        finally:
            place.store.close()
            shutil.rmtree(inbox)


def _turn(place: Place, code: Code) -> float:
    """Collect, then validate; the seconds of the latter."""
    steps = (Step("collect"), Step("validate", ("collect",)))
    plan = Plan(code.lifecycle.name, steps, bundle="", entry="lifecycle.py")
    with place.store.begin() as c:
        run = runs.start(c, place.clock, plan, key=str(perf_counter()), trigger="benchmark", remedy=None)
    runner.execute(place, code, runner.Order(run, "collect"))
    began = perf_counter()
    done = runner.execute(place, code, runner.Order(run, "validate"))
    took = perf_counter() - began
    with place.store.begin() as c:
        runs.end(c, place.clock, run.id, done.step.state)
    if done.step.state != "done":
        raise Trouble(f"validation ended as {done.step.state}")
    return took
