"""A batch is written once, and comes back as it was."""

import os
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import polars as pl
import pytest
from deltalake import DeltaTable
from polars.testing import assert_frame_equal, assert_series_equal

from noria.data import table
from noria.errors import BadInput, Damaged

ROWS = pl.DataFrame(
    {
        "n": [1, None],
        "x": [0.5, float("nan")],
        "t": ["ä\n", None],
        "f": [True, None],
        "d": [date(2024, 2, 29), None],
        "m": [datetime(2024, 1, 1, 12, 30, 1, 5), None],
    }
)


@pytest.fixture
def path(tmp_path: Path) -> str:
    return str(tmp_path / "loans")


def rows(path: str, *batches: str) -> pl.DataFrame:
    return table.scan(path, batches).collect()


def test_what_is_appended_comes_back_with_its_batch_and_place(path: str) -> None:
    table.append(path, "b1", ROWS)
    want = ROWS.with_columns(pl.lit("b1").alias("_batch"), pl.Series("_row", [0, 1]))
    assert_frame_equal(rows(path, "b1"), want, check_column_order=False)


def test_a_batch_that_is_appended_again_is_there_once(path: str) -> None:
    for _ in range(3):
        table.append(path, "b1", ROWS)
    table.append(path, "b2", ROWS)
    table.append(path, "b1", ROWS)
    assert rows(path, "b1", "b2").height == 2 * ROWS.height
    assert (table.has(path, "b1"), table.has(path, "b3")) == (True, False)


@pytest.mark.parametrize("there", [True, False], ids=["a table", "no table yet"])
def test_collectors_at_the_same_moment_write_each_batch_once(tmp_path: Path, there: bool) -> None:
    for turn in range(5):
        path = str(tmp_path / str(turn))
        if there:
            table.append(path, "b0", ROWS)
        with ThreadPoolExecutor(6) as pool:
            list(pool.map(lambda n, where=path: table.append(where, f"b{n % 2 + 1}", ROWS), range(6)))
        assert rows(path, "b1", "b2").height == 2 * ROWS.height


def test_batches_come_in_the_order_that_was_asked_for(path: str) -> None:
    for name in ("b1", "b2", "b3"):
        table.append(path, name, pl.DataFrame({"n": [3, 1, 2]}))
    found = rows(path, "b3", "b1")
    assert found["_batch"].to_list() == ["b3"] * 3 + ["b1"] * 3
    assert found["n"].to_list() == [3, 1, 2] * 2


def test_a_batch_that_is_not_there_is_damage(path: str) -> None:
    with pytest.raises(Damaged, match="b2"):
        table.scan(path, ["b2"])
    table.append(path, "b1", ROWS)
    with pytest.raises(Damaged, match="b2"):
        table.scan(path, ["b1", "b2"])
    assert table.version_of(path) >= 0
    assert table.version_of(path + " elsewhere") == -1


def test_a_column_that_arrives_later_is_empty_before(path: str) -> None:
    table.append(path, "b1", pl.DataFrame({"n": [1]}))
    table.append(path, "b2", pl.DataFrame({"n": [2], "job": ["smith"]}))
    table.append(path, "b3", pl.DataFrame({"job": ["nurse"]}))
    assert rows(path, "b1", "b2", "b3").select("n", "job").rows() == [(1, None), (2, "smith"), (None, "nurse")]


@pytest.mark.parametrize(
    ("before", "after", "kept"),
    [
        ([0.5], [2], [2.0]),
        ([1], [2.0, None], [2, None]),
        (["x"], [7], ["7"]),
        ([1], ["7"], [7]),
        ([True], ["True", "false", None], [True, False, None]),
        ([date(2024, 1, 1)], ["2024-12-31"], [date(2024, 12, 31)]),
        ([datetime(2024, 1, 1)], ["2024-12-31T23:59:59"], [datetime(2024, 12, 31, 23, 59, 59)]),
        ([1], [None, None], [None, None]),
    ],
)
def test_values_that_fit_take_the_type_of_the_earlier_batches(
    path: str, before: list[object], after: list[object], kept: list[object]
) -> None:
    table.append(path, "b1", pl.DataFrame({"v": before}))
    table.append(path, "b2", pl.DataFrame({"v": after}))
    assert rows(path, "b2")["v"].to_list() == kept


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ([1], [1.5]),
        ([1], ["x"]),
        ([True], [2]),
        ([True], ["maybe"]),
        ([date(2024, 1, 1)], [datetime(2024, 1, 1, 12)]),
        ([date(2024, 1, 1)], ["soon"]),
        ([date(2024, 1, 1)], [19000]),
        ([0.5], [2**53 + 1]),
    ],
)
def test_values_that_would_change_are_refused_and_nothing_is_written(
    path: str, before: list[object], after: list[object]
) -> None:
    table.append(path, "b1", pl.DataFrame({"v": before}))
    with pytest.raises(BadInput, match=r"column v is .* here and .* in the earlier batches"):
        table.append(path, "b2", pl.DataFrame({"v": after}))
    assert not table.has(path, "b2")


def file(tmp_path: Path, frame: pl.DataFrame, name: str = "given.parquet") -> Path:
    frame.write_parquet(tmp_path / name, row_group_size=2)
    return tmp_path / name


@pytest.mark.parametrize("there", [True, False], ids=["a table", "no table yet"])
def test_a_file_that_fits_is_adopted_byte_by_byte_and_reads_like_one_that_was_written(
    path: str, tmp_path: Path, there: bool
) -> None:
    numbers = pl.DataFrame({"n": [3, 1, 2, None, 5], "x": [float("nan"), 0.5, None, 1.0, -1.0]})
    if there:
        table.append(path, "b0", ROWS)
    given = file(tmp_path, numbers.with_columns(pl.lit("new").alias("job")))
    assert table.adoptable(path, given)
    table.adopt(path, "b1", given, digest="d1")
    assert [one.read_bytes() for one in Path(path, "_batch=b1").iterdir()] == [given.read_bytes()]
    table.append(path, "b2", pl.read_parquet(given))
    adopted, written = rows(path, "b1"), rows(path, "b2")
    assert_frame_equal(adopted.drop("_batch"), written.drop("_batch"))
    assert adopted["_row"].to_list() == [0, 1, 2, 3, 4]
    both = table.scan(path, ["b2", "b1"]).filter(pl.col("n") < 4).select("_batch", "_row", "n").collect()
    assert both.rows() == [(b, r, n) for b in ("b2", "b1") for r, n in [(0, 3), (1, 1), (2, 2)]]
    elsewhere = DeltaTable(path).to_pyarrow_table(filters=[("_batch", "=", "b1")])  # another engine
    assert elsewhere["n"].to_pylist() == [3, 1, 2, None, 5]
    if there:
        assert rows(path, "b0")["n"].to_list() == ROWS["n"].to_list()


def test_a_file_is_adopted_once_and_what_a_killed_writer_left_is_gone(path: str, tmp_path: Path) -> None:
    given = file(tmp_path, ROWS)
    folder = Path(path, "_batch=b1")
    folder.mkdir(parents=True)
    (folder / "d1.parquet.77-aa.part").write_bytes(b"half")
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda _: table.adopt(path, "b1", given, digest="d1"), range(8)))
    assert rows(path, "b1").height == ROWS.height
    assert [one.name for one in folder.iterdir()] == ["d1.parquet"]


def test_who_was_slower_with_the_same_batch_leaves_nothing(path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    commit = table._commit

    def after_a_rival(held: object, batch: str, made: Path) -> None:
        monkeypatch.setattr(table, "_commit", commit)
        table.append(path, batch, ROWS)
        commit(held, batch, made)  # type: ignore[arg-type]

    monkeypatch.setattr(table, "_commit", after_a_rival)
    table.append(path, "b1", ROWS)
    assert rows(path, "b1").height == ROWS.height
    assert len(list(Path(path, "_batch=b1").iterdir())) == 1


def test_what_was_left_long_ago_by_who_died_before_the_commit_is_swept_away(path: str) -> None:
    long_ago = time.time() - table.ABANDONED_S - 60
    for name in ("dead", "written"):
        Path(path, f"_batch={name}").mkdir(parents=True)
        Path(path, f"_batch={name}", "x.parquet").write_bytes(b"half")
    for one in (Path(path, "_batch=dead", "x.parquet"), Path(path, "_batch=dead"), Path(path, "_batch=written")):
        os.utime(one, (long_ago, long_ago))
    table.append(path, "b1", ROWS)
    for file in Path(path).glob("_batch=b1*/*"):
        os.utime(file, (long_ago, long_ago))
    table.append(path, "b2", ROWS)
    assert sorted(one.name for one in Path(path).glob("_batch=*")) == ["_batch=b1", "_batch=b2", "_batch=written"]


def test_a_file_that_changed_before_its_copy_was_whole_is_not_adopted(path: str, tmp_path: Path) -> None:
    def changed() -> None:
        raise BadInput("it changed", where="here", do="again")

    given = file(tmp_path, ROWS)
    with pytest.raises(BadInput, match="it changed"):
        table.adopt(path, "b1", given, digest="d1", check=changed)
    assert not table.has(path, "b1")
    table.adopt(path, "b1", given, digest="d1")
    assert_frame_equal(rows(path, "b1").select(ROWS.columns), ROWS)


@pytest.mark.parametrize(
    ("values", "fits"),
    [
        (pl.Series([1]), True),
        (pl.Series([1], dtype=pl.Int32), False),
        (pl.Series([1.0]), False),
        (pl.Series([1], dtype=pl.UInt32), False),
        (pl.Series(["1"]), False),
    ],
)
def test_only_a_file_in_the_types_of_the_table_is_adopted(
    path: str, tmp_path: Path, values: pl.Series, fits: bool
) -> None:
    table.append(path, "b1", pl.DataFrame({"v": [7], "w": ["x"]}))
    assert table.adoptable(path, file(tmp_path, pl.DataFrame({"v": values}))) == fits


@pytest.mark.parametrize(
    ("values", "kept"),
    [
        (pl.Series([255], dtype=pl.UInt8), pl.Int16),
        (pl.Series([2**63 - 1], dtype=pl.UInt64), pl.Int64),
        (pl.Series(["a"], dtype=pl.Categorical), pl.String),
        (pl.Series([None]), pl.String),
        (pl.Series([Decimal("1.10")]), pl.Decimal(38, 2)),
        (pl.Series([datetime(2024, 1, 1)], dtype=pl.Datetime("ns")), pl.Datetime("us")),
        (pl.Series([datetime(2024, 1, 1)]).dt.replace_time_zone("Asia/Tokyo"), pl.Datetime("us", "UTC")),
    ],
)
def test_types_that_a_table_does_not_know_are_kept_in_the_next_wider(
    path: str, tmp_path: Path, values: pl.Series, kept: pl.DataType
) -> None:
    frame = pl.DataFrame({"v": values})
    assert table.adoptable(path, file(tmp_path, frame)) == (values.dtype == kept)
    table.append(path, "b1", frame)
    found = rows(path, "b1")["v"]
    assert found.dtype == kept
    assert_series_equal(found, frame["v"].cast(kept))


@pytest.mark.parametrize(
    ("values", "said"),
    [
        (pl.Series([[[1, 2]]]), "column v holds List"),
        (pl.Series([{"a": 1}]), "column v holds Struct"),
        (pl.Series([b"x"]), "column v holds Binary"),
        (pl.Series([timedelta(1)]), "column v holds Duration"),
        (pl.Series([2**63], dtype=pl.UInt64), "whole numbers of more than 64 bits"),
        (pl.Series([2**70], dtype=pl.Int128), "whole numbers of more than 64 bits"),
    ],
)
def test_what_a_table_cannot_hold_is_one_sentence(path: str, tmp_path: Path, values: pl.Series, said: str) -> None:
    frame = pl.DataFrame({"v": values})
    with pytest.raises(BadInput, match=said) as caught:
        table.append(path, "b1", frame)
    assert "\n" not in str(caught.value)
    assert not Path(path).exists()


def test_a_time_without_a_zone_does_not_fit_one_with_a_zone(path: str) -> None:
    naive = pl.DataFrame({"v": [datetime(2024, 1, 1)]})
    table.append(path, "b1", naive.with_columns(pl.col("v").dt.replace_time_zone("UTC")))
    with pytest.raises(BadInput, match="column v is Datetime"):
        table.append(path, "b2", naive)


def test_the_digest_of_rows_is_that_of_their_multiset() -> None:
    frame = pl.DataFrame({"a": [1, 2, 2], "b": ["x", "y", None]})
    digest = table.rows_digest(frame)
    assert table.rows_digest(frame.reverse().select("b", "a")) == digest
    assert table.rows_digest(frame.with_columns(_row=pl.int_range(pl.len()))) == digest
    assert table.rows_digest(pl.concat([frame, frame[:1]])) != digest
    assert table.rows_digest(frame.with_columns(b=pl.lit("x"))) != digest
