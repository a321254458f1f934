"""Small files become few: no row is lost, doubled, or told to have come at another time, whoever else is at work."""

import os
import time
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from pathlib import Path

import polars as pl
import pytest
from deltalake import DeltaTable
from hypothesis import given, settings
from hypothesis import strategies as st

from data.test_captured import answer, keep, place, told
from noria.data import captured, erase, merge, table
from noria.errors import StoreUnavailable
from noria.settings import Settings


@pytest.fixture(autouse=True)
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(merge, "MANY", 3)


def of(where: Settings, kind: str = "predictions") -> str:
    return captured.path(where, "loans", kind)


def on_disk(path: str) -> int:
    return sum(1 for _ in Path(path).glob("_batch=*/*.parquet"))


def test_many_small_files_become_one_with_the_same_rows_in_the_same_order(tmp_path: Path) -> None:
    where = place(tmp_path)
    for number in range(1, 6):
        keep(where, "predictions", f"b{number}", answer(number), answer(number + 20))
    before = captured.predictions(where, "loans")
    assert merge.merge(of(where)) == 5
    after = captured.predictions(where, "loans")
    assert len(DeltaTable(of(where)).file_uris()) == 1
    assert after.drop("_batch", "_row").equals(before.drop("_batch", "_row"))
    assert after.sort("_row")["id"].to_list() == [f"p{n}" for one in range(1, 6) for n in (one, one + 20)]
    assert merge.merge(of(where)) == 0
    assert captured.lookup(where, "loans", "p3") is not None
    assert captured.newest(where, "loans", 2)["id"].to_list() != []


def test_what_was_appended_is_not_taken_again_after_its_file_was_merged_and_removed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    where = place(tmp_path)
    monkeypatch.setattr(merge, "READING_S", 0)
    for number in range(1, 8):
        keep(where, "predictions", f"b{number}", answer(number))
        merge.merge(of(where))
    for number in range(1, 8):
        keep(where, "predictions", f"b{number}", answer(number))
    assert captured.predictions(where, "loans")["id"].to_list() == [f"p{n}" for n in range(1, 8)]
    assert on_disk(of(where)) == len(DeltaTable(of(where)).file_uris()) < 4
    assert not list(Path(of(where)).glob("_batch=b1"))


def test_replaced_files_stay_while_somebody_may_be_reading_them(tmp_path: Path) -> None:
    where = place(tmp_path)
    for number in range(1, 4):
        keep(where, "predictions", f"b{number}", answer(number))
    reading = table.whole(of(where))
    merge.merge(of(where))
    assert reading.collect().height == 3
    assert on_disk(of(where)) == 4


@settings(deadline=None, max_examples=25)
@given(st.permutations([("predictions", n) for n in range(1, 6)] + [("feedback", n) for n in range(1, 6)]), st.data())
def test_a_labelled_prediction_is_in_exactly_one_of_consecutive_ranges_whatever_was_merged_between(
    tmp_path_factory: pytest.TempPathFactory, order: list[tuple[str, int]], data: st.DataObject
) -> None:
    where = place(tmp_path_factory.mktemp("merged"))
    marks, seen = [(-1, -1)], [set[int]()]
    came: dict[str, set[int]] = {"predictions": set(), "feedback": set()}
    for kind, number in order:
        keep(where, kind, str(number), answer(number) if kind == "predictions" else told(number, "yes"))
        came[kind].add(number)
        for other in data.draw(st.sets(st.sampled_from(list(came)))):
            merge.merge(of(where, other))
        now = captured.versions(where, "loans")
        if min(now) >= 0 and data.draw(st.booleans()):
            marks.append(now)
            seen.append(came["predictions"] & came["feedback"])
    for kind in came:
        merge.merge(of(where, kind))
    for (a, b), (had, has) in zip(pairwise(marks), pairwise(seen), strict=True):
        part = captured.source_rows(captured.labelled(where, "loans", after=a, upto=b), "approved")
        assert (part["age"].to_list() if part.height else []) == sorted(has - had)


def test_a_batch_that_is_old_is_merged_alone_before_the_log_forgets_when_it_came(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    where = place(tmp_path)
    keep(where, "predictions", "1", answer(1))
    mark = table.version_of(of(where))
    keep(where, "predictions", "2", answer(2))
    monkeypatch.setattr(merge, "OLD_S", -1)
    assert merge.merge(of(where)) == 2
    for entry in Path(of(where), "_delta_log").glob("*.json"):
        os.utime(entry, (1, 1))
    DeltaTable(of(where)).create_checkpoint()
    DeltaTable(of(where)).cleanup_metadata()
    assert captured.predictions(where, "loans", mark)["id"].to_list() == ["p1"]
    assert captured.predictions(where, "loans")["id"].to_list() == ["p1", "p2"]


def test_of_two_that_merge_the_same_files_one_does(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    where = place(tmp_path)
    for number in range(1, 4):
        keep(where, "predictions", f"b{number}", answer(number))
    opened = merge._prepared(DeltaTable(of(where)))
    (files,) = merge._due(merge._files(opened, of(where)), time.time())
    first = merge._rows

    def other_first(*args: object) -> pl.LazyFrame:
        monkeypatch.setattr(merge, "_rows", first)
        assert merge.merge(of(where)) == 3
        return first(*args)  # type: ignore[arg-type]

    monkeypatch.setattr(merge, "_rows", other_first)
    with pytest.raises(merge.CommitFailedError):
        merge._join(opened, of(where), files)
    assert len(DeltaTable(of(where)).file_uris()) == 1
    assert len(list(Path(of(where)).glob("_batch=merged-*"))) == 1
    assert captured.predictions(where, "loans").height == 3


def test_what_is_erased_while_a_merge_is_under_way_does_not_come_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    where = place(tmp_path)
    for number in range(1, 4):
        keep(where, "predictions", f"b{number}", answer(number))
    first = merge._rows

    def erased(*args: object) -> pl.LazyFrame:
        rows = first(*args).collect()  # type: ignore[arg-type]
        erase.strip(of(where), "id", ["p2"], mine=False)
        return rows.lazy()

    monkeypatch.setattr(merge, "_rows", erased)
    assert merge.merge(of(where)) == 0
    monkeypatch.setattr(merge, "_rows", first)
    assert captured.predictions(where, "loans")["id"].to_list() == ["p1", "p3"]
    assert merge.merge(of(where)) == 3
    assert captured.predictions(where, "loans")["id"].to_list() == ["p1", "p3"]


def test_an_erasure_reaches_merged_rows_and_the_files_that_they_were_merged_from(tmp_path: Path) -> None:
    where = place(tmp_path)
    mark = (-1, -1)
    for number in range(1, 5):
        keep(where, "predictions", f"b{number}", answer(number))
        keep(where, "feedback", f"b{number}", told(number, "yes"))
        mark = captured.versions(where, "loans") if number == 2 else mark
    assert merge.merge(of(where)) == 4
    erase.strip(of(where), "id", ["p2", "p3"], mine=False)
    for file in Path(of(where)).glob("_batch=*/*.parquet"):
        assert not {"p2", "p3"} & set(pl.read_parquet(file, hive_partitioning=False)["id"])
    newest = captured.versions(where, "loans")
    assert captured.labelled(where, "loans", after=(-1, -1), upto=mark)["id"].to_list() == ["p1"]
    assert captured.labelled(where, "loans", after=mark, upto=newest)["id"].to_list() == ["p4"]


def test_while_others_append_and_read_every_row_is_there_once(tmp_path: Path) -> None:
    where = place(tmp_path)
    keep(where, "predictions", "0", answer(0))

    def appending(writer: int) -> None:
        for number in range(12):
            one = 100 * writer + number
            table.append(of(where), f"w{one}", pl.DataFrame([answer(one)], schema=captured.PREDICTION, orient="row"))

    with ThreadPoolExecutor(3) as pool:
        work = [pool.submit(appending, writer) for writer in (1, 2)]
        merging = pool.submit(lambda: [merge.merge(of(where)) for _ in range(20)])
        while not all(one.done() for one in (*work, merging)):
            ids = captured.predictions(where, "loans")["id"]
            assert ids.n_unique() == len(ids)
        for one in (*work, merging):
            one.result()
    expected = {"p0", *(f"p{100 * writer + number}" for writer in (1, 2) for number in range(12))}
    assert sorted(captured.predictions(where, "loans")["id"]) == sorted(expected)


def test_a_folder_that_takes_nothing_leaves_the_table_as_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    where = place(tmp_path)
    for number in range(1, 4):
        keep(where, "predictions", f"b{number}", answer(number))

    def full(*args: object, **more: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(pl.LazyFrame, "sink_parquet", full)
        with pytest.raises(StoreUnavailable, match="small files cannot be merged"):
            merge.merge(of(where))
    assert captured.predictions(where, "loans").height == 3
    assert merge.merge(of(where)) == 3
