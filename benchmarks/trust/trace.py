"""From any id to all it came from and all that came of it, beside a thousand versions and a million predictions."""

import time
from collections.abc import Callable
from statistics import median

import polars as pl

from benchmarks.measure import REPETITIONS, Line, Target
from benchmarks.trust import history
from benchmarks.trust.history import NAME
from noria.governance.graph import graph
from noria.governance.seek import seek
from noria.run.place import Place

PREDICTIONS, VERSIONS = 1_000_000, 1_000
BATCHES, ROWS = 100, 100_000
EVERYWHERE, SELDOM = "zq-everywhere-1", "zq-seldom-1"


def lines() -> list[Line]:
    with history.place() as home:
        history.versions(home, VERSIONS)
        given = history.predictions(home, PREDICTIONS, VERSIONS)
        ids = {
            "prediction": given[PREDICTIONS // 2],
            "model": f"{NAME}@{VERSIONS}",
            "data": f"{NAME}@1",
            "release": "r00500",
            "run": f"{NAME}-500",
            "batch": f"{NAME}/{1:016x}",
            "file": "inbox/1.csv",
        }
        found = {kind: _times(lambda kind=kind, id=id: _traced(home, id, kind)) for kind, id in ids.items()}  # type: ignore[misc]
    worst = max(found, key=lambda kind: median(found[kind]))
    middle = ", ".join(f"{kind} {1000 * median(took):.0f}" for kind, took in found.items())
    with history.place() as home:
        history.versions(home, BATCHES)
        history.people(home, BATCHES, ROWS, everywhere=EVERYWHERE, seldom=SELDOM)
        first = _times(lambda: _traced(home, SELDOM, "subject"), 1)
        later = _times(lambda: _traced(home, SELDOM, "subject"))
        everywhere = _times(lambda: _traced(home, EVERYWHERE, "subject"))
    return [
        Line(f"trace, the slowest kind ({worst}) of {middle} ms", "s", found[worst], target=Target(0.05)),
        Line("subject → all models, 10M rows, in 3 of 100 batches", "s", later, target=Target(1.0)),
        Line("subject → all models, 10M rows, in all 100 batches", "s", everywhere, target=Target(1.0)),
        Line("  the very first question, which makes the index", "s", first),
    ]


def _traced(home: Place, id: str, kind: str) -> None:
    drawn = graph(home, seek(home, id, kind).seed)
    assert len(drawn.nodes) > 1, (kind, pl.__version__)


def _times(action: Callable[[], None], count: int = REPETITIONS) -> list[float]:
    took = []
    for _ in range(count + (count > 1)):
        began = time.perf_counter()
        action()
        took.append(time.perf_counter() - began)
    return took[1:] if count > 1 else took
