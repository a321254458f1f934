"""The flush: the spool's segments become rows of the captured tables, each exactly once."""

import json
import os
import shutil
import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import settings as examples
from hypothesis import strategies as st

from noria import settings
from noria.data import captured
from noria.data.captured import subject_digest
from noria.errors import StoreUnavailable
from noria.serve import ids, segment
from noria.serve.flush import flush
from noria.serve.segment import Predicted, Told, Version
from noria.settings import Settings

LOANS = Version(0, "loans", 3, "r3", ("no", "yes"), "applicant")
PRICES = Version(1, "prices", 1, "r1", None, None)


@pytest.fixture
def place(tmp_path: Path) -> Settings:
    return home(tmp_path / "home")


def home(folder: Path) -> Settings:
    found = settings.load(folder, environ={})
    found.spool.mkdir(parents=True)
    return found


def told(number: int, label: str | None = "yes", at: float = 1.0, rating: float | None = None) -> Told:
    return Told("loans", f"p{number}", at, label, rating, f"s{number}")


def predicted(id: str, columns: dict[str, Any], scores: Any, *, key: int = 0, subject: str | None = None) -> Predicted:
    rows = len(next(iter(columns.values())))
    return Predicted(key, id, 1.5, "champion", subject, rows, columns, np.array(scores, dtype=np.float32).tobytes())


def put(place: Settings, *records: segment.Record) -> Path:
    path = segment.new_path(place.spool)
    path.write_bytes(b"".join(map(segment.frame, records)))
    return segment.complete(path)


def sources(place: Settings) -> Counter[str]:
    """How often each feedback is in the table, by its source."""
    return Counter(pl.read_delta(captured.path(place, "loans", "feedback"))["source"].to_list())


def left(place: Settings) -> set[str]:
    return {path.name for path in place.spool.iterdir()} - {"lock"}


def test_predictions_and_feedback_become_rows_that_tell_all_that_was_captured(place: Settings) -> None:
    put(
        place,
        LOANS,
        PRICES,
        predicted("p1", {"age": [40, None], "job": ["clerk", "nürse"]}, [[0.75, 0.25], [0.25, 0.75]], subject="ann"),
        predicted("p2", {"age": [1.5], "applicant": ["bob"], "new": [True]}, [[0.5, 0.5]], subject="ann"),
        predicted("q1", {"area": [float("nan")]}, [float("nan")], key=1),
        told(2, "no", at=2.0),
        told(2, "yes", at=1.0),
        told(2, None, at=3.0, rating=0.5),
    )
    assert flush(place) == 7
    assert left(place) == set()
    rows = captured.predictions(place, "loans").to_dicts()
    assert [row["id"] for row in rows] == ["p1.0", "p1.1", "p2"]
    assert rows[0] | {"_batch": "", "inputs": "", "outputs": ""} == {
        "id": "p1.0", "at": "1970-01-01T00:00:01.500000+00:00", "endpoint": "loans", "version": 3, "release": "r3",
        "variant": "champion", "subject": subject_digest("ann"), "inputs": "", "outputs": "", "_batch": "", "_row": 0,
    }  # fmt: skip
    assert json.loads(rows[1]["inputs"]) == {"age": None, "job": "nürse", "applicant": "ann"}
    assert json.loads(rows[1]["outputs"]) == {"label": "yes", "probabilities": {"no": 0.25, "yes": 0.75}}
    assert rows[2]["subject"] == subject_digest("bob")
    (price,) = captured.predictions(place, "prices").to_dicts()
    for text in (price["inputs"], price["outputs"]):
        assert None in json.loads(text, parse_constant=pytest.fail).values()
    joined = {row["id"]: (row["label"], row["rating"]) for row in captured.joined(place, "loans").to_dicts()}
    assert joined == {"p1.0": (None, None), "p1.1": (None, None), "p2": ("no", 0.5)}
    assert captured.lookup(place, "loans", "p2") == rows[2]
    assert captured.lookup(place, "loans", "p3") is None
    assert captured.lookup(place, "cats", "p2") is None


def test_labelled_rows_are_in_exactly_one_of_consecutive_ranges_whichever_came_first(place: Settings) -> None:
    marks = [captured.versions(place, "loans")]
    for records in (
        [LOANS, predicted("p1", {"age": [1]}, [[0.5, 0.5]]), told(2)],
        [told(1), LOANS, predicted("p3", {"age": [3.5]}, [[0.5, 0.5]], subject="cat")],
        [LOANS, predicted("p2", {"age": [2], "job": ["clerk"]}, [[0.5, 0.5]])],
        [told(3), told(1, "no", at=9.0)],
    ):
        put(place, *records)
        flush(place)
        marks.append(captured.versions(place, "loans"))
    parts = [captured.labelled(place, "loans", after=one, upto=other) for one, other in pairwise(marks)]
    rows = [captured.source_rows(part, "approved") for part in parts]
    assert [part["age"].to_list() if part.height else [] for part in rows] == [[], [1], [2], [3.5]]
    labelled = captured.labelled(place, "loans", after=marks[0], upto=marks[-1])
    whole = captured.source_rows(labelled, "approved")
    assert whole.select("age", "job", "applicant", "approved").rows() == [
        (1.0, None, None, "no"),
        (2.0, "clerk", None, "yes"),
        (3.5, None, "cat", "yes"),
    ]


@pytest.mark.parametrize("appended", [False, True], ids=["before its rows are in the tables", "after that"])
@pytest.mark.parametrize("deleted", [0, 1, 3])
def test_a_flush_that_died_is_done_again_and_carries_nothing_twice(
    place: Settings, appended: bool, deleted: int
) -> None:
    paths = [put(place, LOANS, predicted(f"p{n}", {"age": [n]}, [[0.5, 0.5]]), told(n)) for n in range(3)]
    (place.spool / "0123456789abcdef0123456789abcdef.flush").write_text(json.dumps([path.name for path in paths]))
    (place.spool / "f.draft").write_text('["')
    if appended:
        shutil.copytree(place.spool, place.home / "before")
        assert flush(place) == 6
        shutil.rmtree(place.spool)
        (place.home / "before").rename(place.spool)
        for path in paths[:deleted]:
            path.unlink()
    put(place, told(9))
    flush(place)
    assert sources(place) == {"s0": 1, "s1": 1, "s2": 1, "s9": 1}
    assert captured.predictions(place, "loans")["id"].to_list() == ["p0", "p1", "p2"]
    assert flush(place) == 0
    assert left(place) <= {"f.draft"}


def test_many_that_flush_at_once_while_segments_arrive_carry_each_row_once(place: Settings) -> None:
    ended = threading.Event()

    def flushing(_: int) -> int:
        rows = 0
        while not ended.is_set():
            rows += flush(place)
        return rows

    with ThreadPoolExecutor(3) as pool:
        work = pool.map(flushing, range(3))
        for number in range(30):
            put(place, told(number))
        while left(place) and not ended.wait(0.01):
            pass
        ended.set()
        assert sum(work) == 30
    assert sources(place) == {f"s{number}": 1 for number in range(30)}


def test_more_segments_than_one_flush_takes_are_all_carried(place: Settings) -> None:
    for number in range(130):
        put(place, told(number))
    assert flush(place) == 130
    assert sources(place) == {f"s{number}": 1 for number in range(130)}


def test_without_a_spool_or_with_an_empty_one_there_is_nothing_to_do(place: Settings) -> None:
    put(place)
    assert flush(place) == 0
    shutil.rmtree(place.spool)
    assert flush(place) == 0


@given(
    hit=st.integers(0, 2),
    place_of_damage=st.floats(0, 1, exclude_max=True),
    kind=st.sampled_from(["cut", "zeroed", "changed"]),
)
@examples(max_examples=15)
def test_damaged_segments_cost_only_what_the_damage_touched_and_are_set_aside(
    tmp_path_factory: pytest.TempPathFactory, hit: int, place_of_damage: float, kind: str
) -> None:
    place = home(tmp_path_factory.mktemp("home"))
    paths = [put(place, LOANS, *(told(10 * n + k) for k in range(5))) for n in range(3)]
    data = bytearray(paths[hit].read_bytes())
    at = int(place_of_damage * len(data))
    if kind == "changed":
        data[at] ^= 0xFF
    else:
        del data[at:]
        data += bytes(64 if kind == "zeroed" else 0)
    paths[hit].write_bytes(data)
    readable, lost = segment.read(paths[hit])
    flush(place)
    flush(place)
    expected = {f"s{10 * n + k}": 1 for n in range(3) if n != hit for k in range(5)}
    assert sources(place) == expected | {one.source: 1 for one in readable if isinstance(one, Told)}
    assert left(place) == ({paths[hit].with_suffix(".damaged").name} if lost else set())
    if kind == "changed":
        assert sum(sources(place).values()) >= 14


def test_a_damaged_plan_and_predictions_of_an_unknown_version_do_not_stop_the_flush(place: Settings) -> None:
    orphan = put(place, predicted("p1", {"age": [1]}, [[0.5, 0.5]]), told(1))
    for name, text in (("a", ""), ("b", "{"), ("c", "3"), ("d", "[1]")):
        (place.spool / f"{name}.flush").write_text(text)
    assert flush(place) == 1
    assert sources(place) == {"s1": 1}
    assert left(place) == {orphan.with_suffix(".damaged").name, *(f"{name}.damaged" for name in "abcd")}
    put(place, told(2))
    assert flush(place) == 1


def test_while_a_table_cannot_be_written_segments_stay_and_are_carried_later(place: Settings) -> None:
    Path(place.data).mkdir(parents=True)
    blocked = Path(place.data) / "_captured"
    blocked.write_text("a file where a folder must be")
    put(place, LOANS, predicted("p1", {"age": [1]}, [[0.5, 0.5]]), told(1))
    with pytest.raises(StoreUnavailable):
        flush(place)
    blocked.unlink()
    put(place, told(2))
    assert flush(place) == 3
    assert sources(place) == {"s1": 1, "s2": 1}
    assert left(place) == set()


def test_ids_of_rows_in_the_tables_are_those_that_were_answered(place: Settings) -> None:
    id = ids.Ids().new("loans")
    put(place, LOANS, predicted(id, {"age": [1, 2, 3]}, [[0.5, 0.5]] * 3))
    flush(place)
    assert captured.predictions(place, "loans")["id"].to_list() == [ids.of_row(id, row, 3) for row in range(3)]


def test_before_a_segment_goes_all_that_holds_its_rows_is_on_the_disk(
    place: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(place, LOANS, predicted("a", {"age": [40]}, [[0.5, 0.5]]), told(1))
    synced, unlink, fsync = set[Path](), Path.unlink, os.fsync

    def seen(file: int) -> None:
        fsync(file)
        synced.add(Path(f"/proc/self/fd/{file}").resolve())

    def checked(path: Path, missing_ok: bool = False) -> None:
        if path.suffix == ".seg":
            home = Path(place.data)
            assert {home, *home.rglob("*")} - synced == set()
        unlink(path, missing_ok)

    monkeypatch.setattr(os, "fsync", seen)
    monkeypatch.setattr(Path, "unlink", checked)
    assert flush(place) == 2
    assert not list(place.spool.glob("*.seg"))
