"""One small project whose wheel was turned twice: to be looked at; who changes something takes a copy."""

import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl
import pytest

import projects
from noria import settings
from noria.cli.main import main
from noria.data import captured, table
from noria.run.local import turn
from noria.run.place import Place, open_place

PREDICTIONS = 4


@dataclass(frozen=True)
class Ended:
    """How a command ended, and what it printed."""

    code: int
    out: str
    err: str

    @property
    def data(self) -> Any:
        """What it printed as JSON: one document and nothing else."""
        return json.loads(self.out)

    @property
    def said(self) -> str:
        """The one sentence of a mistake."""
        assert self.code != 0
        assert self.err.startswith("noria: ")
        assert self.err.count("\n") == 1, self.err
        return self.err.removeprefix("noria: ").rstrip("\n")


Noria = Callable[..., Ended]


@pytest.fixture
def noria(capsys: pytest.CaptureFixture[str]) -> Noria:
    """Types a command: ``noria("data", "log")``."""

    def typed(*words: object) -> Ended:
        code = main([str(word) for word in words])
        return Ended(code, *capsys.readouterr())

    return typed


def place_of(folder: Path) -> Place:
    return open_place(settings.load(folder, environ={"NORIA_ACTOR": "tester"}))


def answer(number: int, version: int) -> dict[str, object]:
    """A prediction as the server captures it."""
    kinds = dict.fromkeys(captured.PREDICTION)
    outputs = {"label": "yes", "probabilities": {"no": 0.1 * number, "yes": 1 - 0.1 * number}}
    inputs = {"age": 30.0 + number, "amount": 40.0, "job": "nurse", "sex": "f"}
    return {
        **kinds, "id": f"p{number}", "at": f"2026-01-0{number}T10:00:00.000000+00:00", "endpoint": "loans",
        "version": version, "variant": "champion", "inputs": json.dumps(inputs), "outputs": json.dumps(outputs),
    }  # fmt: skip


@pytest.fixture(scope="session")
def turned(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a project with two versions of data and model, and some predictions. Only to be read."""
    file = projects.write(tmp_path_factory.mktemp("turned") / "project")
    place = place_of(file.parent)
    assert turn(place, file).run.state == "done"
    projects.arrive(file.parent, "2")
    assert turn(place, file).run.state == "done"
    rows = pl.DataFrame([answer(n, 1 + n % 2) for n in range(1, PREDICTIONS + 1)], schema=captured.PREDICTION)
    table.append(captured.path(place.settings, "loans", "predictions"), "1", rows)
    place.store.close()
    return file.parent


@pytest.fixture
def project(turned: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """In the project's folder, only to look."""
    monkeypatch.chdir(turned)
    return turned


@pytest.fixture
def mine(turned: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """In a copy of the project, to do with what one likes."""
    folder = tmp_path / "mine"
    shutil.copytree(turned, folder)
    monkeypatch.chdir(folder)
    return folder
