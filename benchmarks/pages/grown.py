"""A store that has grown: the demo's lifecycle after a real turn, then a thousand runs, a study of ten thousand trials
and a million predictions, half of them with their truth; made as rows, not by running."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

import numpy as np
import polars as pl
from sqlalchemy import insert, select, update

from benchmarks.project import NAME, census
from noria import settings
from noria.clock import SystemClock
from noria.data import captured, table
from noria.digest import canonical
from noria.plan import run_id
from noria.run.place import Place, open_place
from noria.store import audit
from noria.store.tables import output, run, step_run

RUNS, TRIALS, PREDICTIONS = 1_000, 10_000, 1_000_000
PIECE = 250_000  # predictions that are written at once
BEGAN = datetime(2026, 1, 1, tzinfo=UTC)


@contextmanager
def store() -> Iterator[tuple[Path, dict[str, str]]]:
    """The project's folder, and what its commands are started with."""
    with census() as made:
        environ = {name: value for name, value in made.env.items() if name.startswith("NORIA_")}
        place = open_place(settings.load(made.folder, environ=environ))
        _trials(place)
        _runs(place)
        _predictions(place)
        place.store.close()
        yield made.folder, dict(made.env)


def _trials(place: Place) -> None:
    random = np.random.default_rng(0)
    points = 10 ** random.uniform(-3, 1, (TRIALS, 3))
    values = 0.9 - 0.01 * np.log10(points[:, 0]) ** 2 + random.normal(0, 0.002, TRIALS)
    trials = [
        {"number": n, "params": {"C": c, "eta": eta, "depth": depth}, "value": value, "state": "complete",
         "message": None, "reported": {}}
        for n, ((c, eta, depth), value) in enumerate(zip(points.tolist(), values.tolist(), strict=True))
    ]  # fmt: skip
    costs = [{"number": n, "seconds": 1.5, "memory_mb": 400.0} for n in range(TRIALS)]
    kept = {"study.json": {"metric": "roc_auc", "sampler": "tpe", "trials": trials}, "costs.json": costs}
    with place.store.begin() as c:
        step = c.execute(select(step_run.c.id).where(step_run.c.step == "tune")).scalar_one()
        for name, value in kept.items():
            data = canonical(value)
            where = (output.c.step_run_id == step, output.c.name == name)
            c.execute(update(output).where(*where).values(digest=place.artifacts.put(data).hex, bytes=len(data)))


def _runs(place: Place) -> None:
    """Each as the first one, but for its number and its times; and a decision each."""
    with place.store.begin() as c:
        first = c.execute(select(run)).mappings().first()
        assert first is not None
        steps = [dict(row) for row in c.execute(select(step_run).order_by(step_run.c.id)).mappings()]
        outputs = [dict(row) for row in c.execute(select(output)).mappings()]
        for number in range(2, RUNS + 1):
            id, later = run_id(NAME, number), timedelta(minutes=number)
            times = {name: first[name] + later for name in ("started_at", "ended_at")}
            c.execute(insert(run).values(**{**first, "id": id, "number": number, **times}))
            for step in steps:
                moved = {name: step[name] and step[name] + later for name in ("ready_at", "started_at", "ended_at")}
                made = c.execute(insert(step_run).values(**{**step, **moved, "id": None, "run_id": id}))
                assert made.inserted_primary_key
                key = made.inserted_primary_key[0]
                mine = [{**one, "step_run_id": key} for one in outputs if one["step_run_id"] == step["id"]]
                if mine:
                    c.execute(insert(output), mine)
            audit.record(c, SystemClock(), actor="bench", action="remedy", subject=f"run:{id}", reason="as before")


def _predictions(place: Place) -> None:
    random = np.random.default_rng(0)
    row = {"age": 40.0, "education": "Bachelors", "occupation": "Sales", "sex": "Male", "race": "White"}
    inputs = [json.dumps({**row, "age": float(age), "sex": sex}) for age in range(20, 70) for sex in ("Male", "Female")]
    for first in range(0, PREDICTIONS, PIECE):
        numbers = np.arange(first, first + PIECE)
        chance = random.uniform(0, 1, PIECE).round(3)
        ids = [str(UUID(int=((1_767_225_600_000 + n) << 80) | (7 << 76) | (2 << 62) | n)) for n in numbers.tolist()]
        at = [(BEGAN + timedelta(seconds=10 * n)).isoformat(timespec="microseconds") for n in numbers.tolist()]
        label = np.where(chance > 0.5, ">50K", "<=50K")
        answer = [
            f'{{"label": "{word}", "probabilities": {{"<=50K": {1 - p:.3f}, ">50K": {p}}}}}'
            for word, p in zip(label.tolist(), chance.tolist(), strict=True)
        ]
        frame = pl.DataFrame(
            {"id": ids, "at": at, "endpoint": NAME, "version": 1, "release": "r", "variant": "champion",
             "subject": [captured.subject_digest(str(n)) for n in numbers.tolist()],
             "inputs": [inputs[n % len(inputs)] for n in numbers.tolist()], "outputs": answer},
            captured.PREDICTION,
        )  # fmt: skip
        table.append(captured.path(place.settings, NAME, "predictions"), f"{first}", frame)
        half = frame.gather_every(2)
        truth = np.where(random.uniform(0, 1, half.height) < 0.8, label[::2], ">50K")
        feedback = pl.DataFrame(
            {"prediction": half["id"], "at": half["at"], "label": truth, "rating": None, "source": "bench"},
            captured.FEEDBACK,
        )
        table.append(captured.path(place.settings, NAME, "feedback"), f"{first}", feedback)
