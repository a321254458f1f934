"""Whoever reads rows that are damaged since they were collected is told so: nobody goes on with fewer of them."""

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from data.steps import Bench
from noria.cli import main
from noria.data import captured, table
from noria.data.schema import Schema
from noria.data.stored import readable
from noria.errors import NoriaError
from noria.lifecycle import Lifecycle
from noria.validate import splits

ROWS = 20_000
SCHEMA = Schema(label="paid", subject="who", time="at")


def cut(file: Path) -> None:
    os.truncate(file, file.stat().st_size // 2)


def overwritten(file: Path) -> None:
    content = bytearray(file.read_bytes())
    content[4 : len(content) // 2] = b"\xff" * (len(content) // 2 - 4)
    file.write_bytes(content)


DAMAGES = {"cut": cut, "overwritten": overwritten, "gone": Path.unlink}


@pytest.fixture(params=DAMAGES.values(), ids=DAMAGES)
def damage(request: pytest.FixtureRequest) -> Callable[[Path], None]:
    chosen: Callable[[Path], None] = request.param
    return chosen


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    made = Bench(tmp_path, Lifecycle("loans", collect="inbox/*", schema=SCHEMA))
    random = np.random.default_rng(1)
    for name in ("1", "2"):
        rows = pl.DataFrame({"who": [f"{name}-{n}" for n in range(ROWS)], "age": random.integers(0, 99, ROWS)})
        paid = pl.Series(random.choice(["yes", "no"], ROWS))
        rows.with_columns(at=pl.col("age"), paid=paid).write_parquet(made.inbox / f"{name}.parquet")
    made.upto("validate")
    return made


def second(bench: Bench) -> Path:
    """The file of the second batch."""
    id = bench.results["collect"].facts["batches"][1]
    (file,) = Path(bench.settings.data, "loans", f"_batch={id}").iterdir()
    return file


def labels_of_splits(bench: Bench) -> object:
    ids = bench.results["collect"].facts["batches"]
    with readable(bench.settings.data):
        return splits.labels(table.scan(f"{bench.settings.data}/loans", ids), SCHEMA)


READERS: dict[str, Callable[[Bench], object]] = {
    "splits": labels_of_splits,
    "preprocess": lambda bench: bench.do("preprocess"),
    "profile": lambda bench: validated_anew(bench),
}


def validated_anew(bench: Bench) -> Any:
    with bench.store.begin() as c:
        c.exec_driver_sql("UPDATE batches SET profile = NULL")
    return bench.do("validate")


@pytest.mark.parametrize("read", READERS.values(), ids=READERS)
def test_a_step_that_reads_damaged_rows_says_so(
    bench: Bench, damage: Callable[[Path], None], read: Callable[[Bench], object]
) -> None:
    damage(second(bench))
    with pytest.raises(NoriaError) as caught:
        read(bench)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("words", [["export", "loans@1", "out.csv"], ["verify", "loans@1"]])
def test_a_command_that_reads_damaged_rows_says_so(
    bench: Bench, damage: Callable[[Path], None], words: list[str], monkeypatch: pytest.MonkeyPatch, capfd: Any
) -> None:
    damage(second(bench))
    monkeypatch.chdir(bench.folder)
    monkeypatch.setenv("NORIA_HOME", str(bench.settings.home))
    assert main.main(["data", *words]) == 1
    said = capfd.readouterr()
    assert "fault in noria" not in said.err
    assert not Path("out.csv").exists()


def test_captured_answers_that_are_damaged_are_not_fewer(tmp_path: Path, damage: Callable[[Path], None]) -> None:
    bench = Bench(tmp_path, Lifecycle("loans", collect="inbox/*", label="paid"))
    path = captured.path(bench.settings, "loans", "predictions")
    answers = [
        dict.fromkeys(captured.PREDICTION) | {"id": f"p{n:05}", "inputs": json.dumps({"n": n})} for n in range(ROWS)
    ]
    table.append(path, "1", pl.DataFrame(answers, schema=captured.PREDICTION, orient="row"))
    (file,) = Path(path, "_batch=1").iterdir()
    damage(file)
    readers: list[Callable[[], object]] = [
        lambda: captured.newest(bench.settings, "loans", ROWS),
        lambda: captured.predictions(bench.settings, "loans"),
        lambda: captured.lookup(bench.settings, "loans", "p00001"),
    ]
    for read in readers:
        with pytest.raises(NoriaError):
            read()


def test_a_library_that_gives_up_is_one_sentence(monkeypatch: pytest.MonkeyPatch, capsys: Any) -> None:
    def give_up(words: list[str]) -> int:
        raise pl.exceptions.PanicException("assertion failed\nat line 7")

    monkeypatch.setattr("noria.cli.doctor.command", give_up)
    assert main.main(["doctor"]) == 1
    assert "PanicException: assertion failed (" in capsys.readouterr().err
