"""A batch is written once, and comes back as it was."""

from concurrent.futures import ThreadPoolExecutor
from datetime import date, datetime
from pathlib import Path

import polars as pl
import pytest
from polars.testing import assert_frame_equal

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


def test_the_digest_of_rows_is_that_of_their_multiset() -> None:
    frame = pl.DataFrame({"a": [1, 2, 2], "b": ["x", "y", None]})
    digest = table.rows_digest(frame)
    assert table.rows_digest(frame.reverse().select("b", "a")) == digest
    assert table.rows_digest(frame.with_columns(_row=pl.int_range(pl.len()))) == digest
    assert table.rows_digest(pl.concat([frame, frame[:1]])) != digest
    assert table.rows_digest(frame.with_columns(b=pl.lit("x"))) != digest
