"""A split by time, from the declaration to the arrays: what was cut once stays cut."""

from pathlib import Path

import polars as pl
import pytest

import projects
from noria import settings
from noria.data.schema import SPLITS
from noria.run.local import turn
from noria.run.place import Place, open_place
from noria.store import datasets, runs


def deliver(folder: Path, name: str, first: int, *, days: range) -> None:
    rows = projects.rows(len(days), seed=first, first=first)
    at = pl.Series("at", [f"2026-01-01T00:{day // 60:02}:{day % 60:02}" for day in days])
    rows.with_columns(at).write_csv(folder / "inbox" / f"{name}.csv")


def split_now(place: Place, file: Path) -> dict[str, str]:
    """Applicant → split, as the newest run's processed data have it."""
    ended = turn(place, file)
    assert ended.run.state == "done", ended.run.message
    with place.store.read() as c:
        left = runs.result(c, runs.step(c, ended.run.id, "preprocess").id).outputs
    read = {name: pl.read_parquet(place.artifacts.path(left[f"rows.{name}.parquet"].digest)) for name in SPLITS}
    return {applicant: name for name, rows in read.items() for applicant in rows["applicant"]}


@pytest.fixture
def file(tmp_path: Path) -> Path:
    made = projects.write(tmp_path / "project")
    (made.parent / "inbox" / "1.csv").unlink()
    projects.change(made, 'protected=["sex"],', 'protected=["sex"], time="at", split="time",')
    deliver(made.parent, "1", 0, days=range(600))
    return made


def test_the_newest_rows_are_analysed_and_no_row_moves_in_a_later_version(file: Path) -> None:
    place = open_place(settings.load(file.parent))
    first = split_now(place, file)
    assert [first[f"a{n:06d}"] for n in (0, 419, 420, 509, 510, 599)] == [s for s in SPLITS for _ in range(2)]
    deliver(file.parent, "2", 1000, days=range(600, 900))
    deliver(file.parent, "3", 2000, days=range(0, 600, 2))  # late: of the time that was cut before
    second = split_now(place, file)
    assert {who: second[who] for who in first} == first
    assert [second[f"a{n:06d}"] for n in (1000, 1209, 1210, 1254, 1255, 1299)] == [s for s in SPLITS for _ in range(2)]
    assert all(second[f"a{2000 + n:06d}"] == first[f"a{2 * n:06d}"] for n in range(300))
    with place.store.read() as c:
        old, new = (one.cuts for one in datasets.versions(c, "loans"))
    assert old is not None
    assert new is not None
    assert [name for _, name in new] == [*SPLITS, *SPLITS]
    assert list(new)[: len(old)] == list(old)
    place.store.close()
