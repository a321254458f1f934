"""What the runner takes for a step that does nothing: fingerprint, lease, commit, all durable."""

import sqlite3
import sys
from collections.abc import Iterator, MutableMapping
from contextlib import closing, contextmanager
from pathlib import Path
from time import perf_counter
from types import ModuleType
from typing import cast

from benchmarks.measure import Line, Peer, Target, in_turns
from benchmarks.project import workplace
from noria import settings
from noria.lifecycle import Lifecycle
from noria.plan import Plan, Step
from noria.run import execute as runner
from noria.run.place import Code, Place, open_place
from noria.store import runs
from noria.store.attempt import Attempt

TARGET_MS = 5.0
STEPS, RUNS = 8, 25
WORDS = [f"empty{number}" for number in range(STEPS)]
MODULE = "benchmarks_empty_step"


def lines() -> list[Line]:
    with workplace("steps") as (folder, _), _registered():
        place = open_place(settings.load(folder, environ={"NORIA_ACTOR": "benchmark"}))
        code = Code(_lifecycle(), folder)
        with closing(_database(folder / "limit.db")) as database:
            numbers = iter(range(1, 1 + (1 + RUNS) * STEPS))
            turns = iter(_steps(place, code))
            took = in_turns(
                {"noria": lambda: next(turns), "sqlite": lambda: _insert(database, next(numbers))},
                RUNS * STEPS,
                warm=STEPS,
            )
        place.store.close()
    limit = Peer(f"SQLite {sqlite3.sqlite_version}, one insert committed (the limit)", took["sqlite"])
    return [Line("an empty step, executed", "ms", took["noria"], [limit], Target(TARGET_MS))]


def _steps(place: Place, code: Code) -> Iterator[float]:
    """Milliseconds of step after step, run after run; another seed each run, so that nothing can be reused."""
    seed = 0
    while True:
        steps = tuple(Step(word, (WORDS[number - 1],) if number else ()) for number, word in enumerate(WORDS))
        plan = Plan(code.lifecycle.name, steps, bundle="", entry="lifecycle.py", seed=seed)
        with place.store.begin() as c:
            run = runs.start(c, place.clock, plan, key=str(seed), trigger="benchmark", remedy=None)
        for word in WORDS:
            began = perf_counter()
            done = runner.execute(place, code, runner.Order(run, word))
            yield (perf_counter() - began) * 1000
            assert done.step.state == "done"
        with place.store.begin() as c:
            runs.end(c, place.clock, run.id, "done")
        seed += 1


def _lifecycle() -> Lifecycle:
    made = Lifecycle("empty", collect="inbox/*.csv", label="label")
    made.options.update(dict.fromkeys(WORDS))
    return made


@contextmanager
def _registered() -> Iterator[None]:
    """The runner knows the empty steps for as long as this lasts."""

    def run(attempt: Attempt) -> None:
        pass

    module = ModuleType(MODULE)
    vars(module).update(FORMAT=1, run=run)
    sys.modules[MODULE] = module
    known = cast(MutableMapping[str, str], runner.MODULES)
    known.update(dict.fromkeys(WORDS, MODULE))
    try:
        yield
    finally:
        for word in WORDS:
            del known[word]
        del sys.modules[MODULE]


def _database(path: Path) -> sqlite3.Connection:
    made = sqlite3.connect(path, isolation_level=None)
    for statement in ("PRAGMA journal_mode=WAL", "PRAGMA synchronous=NORMAL", "CREATE TABLE t (n INTEGER, text TEXT)"):
        made.execute(statement)
    return made


def _insert(database: sqlite3.Connection, number: int) -> float:
    """Milliseconds of one transaction that inserts one row."""
    began = perf_counter()
    database.execute("BEGIN IMMEDIATE")
    database.execute("INSERT INTO t VALUES (?, ?)", (number, "x" * 200))
    database.execute("COMMIT")
    return (perf_counter() - began) * 1000
