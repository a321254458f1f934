"""A small project with somebody in it who can be told from all others, wherever a trace of it is."""

import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

import projects
from noria import settings
from noria.cli.main import main
from noria.run.local import turn
from noria.run.place import Place, open_place
from noria.serve import segment
from noria.serve.flush import flush
from noria.serve.segment import PredictedRow, Told, Version

KEY = "zq-applicant-7718"
AMOUNT, NOTE = 918_273.64, "wrote: my mother's name is Orlanda"
ANSWERS = 3


def person(rows: int) -> pl.DataFrame:
    found = projects.rows(rows, seed=5).with_columns(
        applicant=pl.lit(KEY), amount=pl.lit(AMOUNT), note=pl.lit(NOTE), job=pl.lit("nurse")
    )
    return found


def others(count: int, **options: int) -> pl.DataFrame:
    return projects.rows(count, **options).with_columns(note=pl.lit("none"))


def place_of(folder: Path) -> Place:
    return open_place(settings.load(folder, environ={"NORIA_ACTOR": "tester"}))


def capture(place: Place, time: int) -> None:
    """Answers to the person and to others, with feedback, as a server leaves them in its spool."""
    version = Version(0, "loans", 1, "r1", ("no", "yes"), "applicant")
    records: list[segment.Record] = [version]
    for n in range(ANSWERS):
        for who, amount in ((KEY, AMOUNT), (f"other{n}", 40.0)):
            inputs = {"applicant": who, "age": 30.0 + n, "amount": amount, "job": "nurse", "sex": "f", "note": NOTE}
            if who != KEY:
                inputs["note"] = "none"
            scores = np.array([0.4, 0.6], dtype=np.float32).tobytes()
            data = json.dumps(inputs).encode()
            records.append(PredictedRow(0, f"{who[:2]}-{n}-{time}", 1.5, "champion", who, data, scores))
            records.append(Told("loans", f"{who[:2]}-{n}-{time}", 2.5, "yes", 4.0, "form"))
    place.settings.spool.mkdir(parents=True, exist_ok=True)
    path = segment.new_path(place.settings.spool)
    path.write_bytes(b"".join(map(segment.frame, records)))
    segment.complete(path)


@pytest.fixture(scope="session")
def lived(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a project turned twice, with captured answers about the person. Only to be copied."""
    file = projects.write(tmp_path_factory.mktemp("lived") / "project", count=400)
    projects.change(file, 'protected=["sex"]', 'protected=["sex"], drop=["note"]')
    projects.change(file, 'collect="inbox/*.csv"', 'collect=[nr.Files("inbox/*"), nr.Captured()]')
    inbox = file.parent / "inbox"
    pl.concat([others(400), person(2)]).write_csv(inbox / "1.csv")
    place = place_of(file.parent)
    assert turn(place, file).run.state == "done"
    pl.concat([others(200, seed=3, first=5000), person(1)]).write_parquet(inbox / "2.parquet")
    others(150, seed=4, first=9000).write_csv(inbox / "3.csv")
    capture(place, 1)
    flush(place.settings)
    done = turn(place, file)
    assert done.run.state == "done", done.run.message
    capture(place, 2)  # and some more that is still in the spool
    place.store.close()
    return file.parent


@pytest.fixture
def mine(lived: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """In a copy of the project, to do with what one likes."""
    folder = tmp_path / "mine"
    shutil.copytree(lived, folder)
    monkeypatch.chdir(folder)
    return folder


@dataclass(frozen=True)
class Ended:
    """How a command ended, and what it printed."""

    code: int
    out: str
    err: str

    @property
    def data(self) -> Any:
        return json.loads(self.out)


Noria = Callable[..., Ended]


@pytest.fixture
def noria(capsys: pytest.CaptureFixture[str]) -> Noria:
    """Types a command: ``noria("erase", KEY)``."""

    def typed(*words: object) -> Ended:
        capsys.readouterr()
        code = main([str(word) for word in words])
        return Ended(code, *capsys.readouterr())

    return typed
