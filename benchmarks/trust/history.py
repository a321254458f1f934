"""Homes with a long history, made up: a thousand versions with a million predictions, ten million rows of people."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import polars as pl
from sqlalchemy import insert

from noria.clock import SystemClock
from noria.data import captured, table
from noria.plan import Plan, Step
from noria.run.place import Place, open_place
from noria.serve.ids import Ids
from noria.settings import Settings
from noria.store.tables import batch, edge, model_version, release, route, run, step_run, version

NAME, COLUMN = "loans", "person"
BEGAN = datetime(2026, 1, 1, tzinfo=UTC)
FLUSHES = 10  # files that a million predictions lie in, once merged
CLOCK = SystemClock()


@contextmanager
def place() -> Iterator[Place]:
    """An empty home, gone afterwards."""
    with TemporaryDirectory(prefix="noria-bench-trust-") as folder:
        home = Path(folder)
        opened = open_place(Settings(home, f"sqlite:///{home / 'noria.db'}", str(home / "artifacts"), actor="bench"))
        yield opened
        opened.store.close()


def plan() -> str:
    schema = {"label": "approved", "subject": COLUMN, "shares": [0.7, 0.15, 0.15]}
    return Plan(NAME, (Step("collect", config={"items": [], "schema": schema}),), "0" * 64, "lifecycle.py").to_json()


def versions(home: Place, count: int) -> None:
    """So many versions of data, each with one batch more, and of a model that learned from each."""
    package = home.artifacts.put(b"a package").hex
    record = home.artifacts.put(b'{"trials": [], "bundle": "", "environment": {}}').hex
    text, at = plan(), [BEGAN + timedelta(hours=n) for n in range(count + 1)]
    ids = [f"{n:016x}" for n in range(count + 1)]
    numbers = range(1, count + 1)
    edges = [(f"batch:{NAME}/{ids[n]}", f"source:inbox/{n}.csv", "content of") for n in numbers]
    edges += [
        (f"dataset_version:{NAME}@{n}", f"batch:{NAME}/{ids[m]}", "holds") for n in numbers for m in range(1, n + 1)
    ]
    edges += [(f"run:{NAME}-{n}", f"dataset_version:{NAME}@{n}", "learned from") for n in numbers]
    edges += [(f"release:r{n:05}", f"run:{NAME}-{n}", "decided in") for n in numbers]
    edges += [(f"model_version:{NAME}@{n}", f"release:r{n:05}", "released by") for n in numbers]
    steps = ((f"step:{NAME}-{n}/{word}", f"run:{NAME}-{n}") for n in numbers for word in ("collect", "train"))
    edges += [(*ends, "part of") for ends in steps]
    with home.store.begin() as c:
        c.execute(insert(run), [{"id": f"{NAME}-{n}", "lifecycle": NAME, "number": n, "state": "done", "key": "k",
                                 "trigger": "person", "plan": text, "started_at": at[n]} for n in numbers])  # fmt: skip
        done = {"shard": 0, "state": "done", "attempt": 1}
        c.execute(insert(step_run), [{"run_id": f"{NAME}-{n}", "step": word, "facts": {"version": n}, **done}
                                     for n in numbers for word in ("collect", "train")])  # fmt: skip
        c.execute(insert(batch), [{"id": ids[n], "dataset": NAME, "number": n, "digest": ids[n], "rows": 10, "bytes": 1,
                                   "origin": "files", "source": {"name": f"inbox/{n}.csv"}, "state": "accepted",
                                   "run_id": f"{NAME}-{n}", "arrived_at": at[n]} for n in numbers])  # fmt: skip
        c.execute(insert(version), [{"dataset": NAME, "number": n, "digest": f"v{n}", "batches": ids[1 : n + 1],
                                     "rows": 10 * n, "verdict": "pass", "run_id": f"{NAME}-{n}",
                                     "created_at": at[n]} for n in numbers])  # fmt: skip
        c.execute(insert(release), [{"id": f"r{n:05}", "model": NAME, "number": n, "run_id": f"{NAME}-{n}",
                                     "decision": "released", "record": record, "verdicts": [], "decided_by": "gates",
                                     "reason": "every gate holds", "at": at[n]} for n in numbers])  # fmt: skip
        c.execute(insert(model_version), [{"model": NAME, "number": n, "package": package, "format": "onnx",
                                           "run_id": f"{NAME}-{n}", "dataset": NAME, "dataset_version": n,
                                           "params": {"C": 1.0}, "metrics": {"roc_auc": 0.9}, "release_id": f"r{n:05}",
                                           "created_at": at[n]} for n in numbers])  # fmt: skip
        c.execute(insert(route), [{"endpoint": NAME, "revision": n, "weights": {str(n): 100}, "shadow": [], "salt": "s",
                                   "actor": "deploy", "reason": "r", "at": at[n]} for n in numbers])  # fmt: skip
        c.execute(insert(edge), [dict(zip(("child", "parent", "role"), one, strict=True)) for one in edges])


def predictions(home: Place, count: int, versions: int) -> list[str]:
    """So many captured predictions, each with a label; their ids."""
    ids = Ids()
    given = [ids.new(NAME) for _ in range(count)]
    each = count // FLUSHES
    for flush in range(FLUSHES):
        some = given[flush * each : (flush + 1) * each]
        frame = pl.DataFrame({"id": some}).with_columns(
            at=pl.lit("2026-06-01T00:00:00.000000+00:00"),
            endpoint=pl.lit(NAME),
            version=pl.int_range(pl.len(), dtype=pl.Int64) % versions + 1,
            release=pl.lit("r"),
            variant=pl.lit("champion"),
            subject=pl.int_range(pl.len()).cast(pl.String),
            inputs=pl.lit('{"age": ') + pl.int_range(pl.len()).cast(pl.String) + pl.lit("}"),
            outputs=pl.lit('{"label": "yes"}'),
        )
        table.append(
            captured.path(home.settings, NAME, "predictions"), f"{flush:032x}", frame.select(*captured.PREDICTION)
        )
        told = pl.DataFrame({"prediction": some}).with_columns(
            at=pl.lit("2026-06-02T00:00:00.000000+00:00"), label=pl.lit("yes"), rating=pl.lit(None, pl.Float64),
            source=pl.lit("api"),
        )  # fmt: skip
        table.append(captured.path(home.settings, NAME, "feedback"), f"{flush:032x}", told.select(*captured.FEEDBACK))
    return given


def people(home: Place, batches: int, rows: int, *, everywhere: str, seldom: str) -> None:
    """So many batches of so many rows each, with a run on them; one person in all of them, one in three."""
    random = np.random.default_rng(0)
    for number in range(batches):
        names = pl.Series(random.integers(0, 50_000_000, rows)).cast(pl.String)
        frame = pl.DataFrame({
            COLUMN: "person-" + names,
            "age": random.integers(18, 90, rows).astype(np.float64),
            "amount": random.normal(50, 10, rows).round(2),
            "approved": random.choice(["yes", "no"], rows),
        })  # fmt: skip
        own = [everywhere] + ([seldom] if number % (batches // 3) == 0 and number // (batches // 3) < 3 else [])
        mine = frame.head(len(own)).with_columns(pl.Series(COLUMN, own), amount=pl.lit(918_273.64))
        table.append(f"{home.settings.data}/{NAME}", f"{number + 1:016x}", pl.concat([frame[len(own) :], mine]))


def rewritten(path: Path, batches: list[str], target: Path) -> None:
    """The limit: the files of some batches read and written, and nothing else."""
    for id in batches:
        for file in path.glob(f"_batch={id}/*.parquet"):
            pl.scan_parquet(file, hive_partitioning=False).sink_parquet(target / f"{id}.parquet")
