"""Rows out of a table: out of its files, its history and its folder; everything else reads as before."""

import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from deltalake import DeltaTable

from noria.data import erase, multiset, table

GONE = "zz-gone"


def rows(batch: int, *, subject: bool = True) -> pl.DataFrame:
    names = [f"p{batch}{n}" for n in range(5)]
    return pl.DataFrame(
        {"who": [*names, GONE] if subject else names, "value": [*range(5), 98_765_432] if subject else [*range(5)]}
    )


def filled(path: str, folder: Path) -> None:
    """Written, adopted and untouched batches; the second holds the subject only."""
    table.append(path, "a", rows(1))
    table.append(path, "only", rows(2).filter(pl.col("who") == GONE))
    table.append(path, "clean", rows(3, subject=False))
    file = folder / "adopted.parquet"
    rows(4).select("who", "value").reverse().write_parquet(file)
    assert table.adoptable(path, file)
    table.adopt(path, "adopted", file, digest="d" * 8)


def everything(folder: Path) -> bytes:
    """All bytes on disk; Parquet decoded."""
    found = []
    for file in sorted(folder.rglob("*")):
        if file.is_file():
            found.append(file.name.encode() + file.read_bytes())
            if file.suffix == ".parquet":
                frame = pl.read_parquet(file, hive_partitioning=False)
                found.append(repr(frame.to_dicts()).encode())
    return b"\n".join(found)


def test_no_byte_is_left_and_every_other_row_reads_back(tmp_path: Path) -> None:
    path = str(tmp_path / "t")
    filled(path, tmp_path)
    before = {batch: table.scan(path, [batch]).collect() for batch in ("a", "only", "clean", "adopted")}
    found = erase.find(path, "who", [GONE])
    assert {batch: part.height for batch, part in found.items()} == {"a": 1, "only": 1, "adopted": 1}
    erase.strip(path, "who", [GONE], mine=True)
    bytes_left = everything(Path(path))
    assert GONE.encode() not in bytes_left
    assert b"98765432" not in bytes_left
    for batch, held in before.items():
        kept = held.filter(pl.col("who") != GONE)
        assert table.scan(path, [batch]).collect().equals(kept), batch  # their numbers too
        assert multiset.digest(table.own(path, batch)) == multiset.digest(kept)
    assert erase.find(path, "who", [GONE]) == {}


def test_an_earlier_version_of_the_table_reads_as_it_was_without_the_rows(tmp_path: Path) -> None:
    path = str(tmp_path / "t")
    filled(path, tmp_path)
    table_now = DeltaTable(path)
    before = {n: pl.scan_delta(path, version=n).collect() for n in range(table_now.version() + 1)}
    erase.strip(path, "who", [GONE], mine=True)
    for number, held in before.items():
        now = pl.scan_delta(path, version=number).filter(pl.len() > 0).collect()
        kept = held.filter(pl.col("who") != GONE)
        assert now.sort("_batch", "who").drop("_row").equals(kept.sort("_batch", "who").drop("_row")), number
    assert DeltaTable(path).transaction_version("a") == 1
    table.append(path, "a", rows(1))  # is there: a collector that comes again changes nothing
    assert erase.find(path, "who", [GONE]) == {}


def test_a_checkpoint_keeps_no_statistics_of_what_is_gone(tmp_path: Path) -> None:
    path = str(tmp_path / "t")
    filled(path, tmp_path)
    DeltaTable(path).create_checkpoint()
    erase.strip(path, "who", [GONE], mine=True)
    assert b"98765432" not in everything(Path(path))
    assert table.scan(path, ["a"]).collect().height == 5
    last = json.loads((Path(path) / "_delta_log" / "_last_checkpoint").read_text())
    assert last["version"] == DeltaTable(path).version()


def test_doing_it_again_changes_nothing(tmp_path: Path) -> None:
    path = str(tmp_path / "t")
    filled(path, tmp_path)
    erase.strip(path, "who", [GONE], mine=True)
    once = everything(Path(path))
    erase.strip(path, "who", [GONE], mine=True)
    assert everything(Path(path)) == once
    erase.strip(str(tmp_path / "nowhere"), "who", [GONE], mine=True)
    erase.strip(path, "no such column", [GONE], mine=True)
    assert everything(Path(path)) == once


def test_a_file_that_a_dead_writer_left_goes_too(tmp_path: Path) -> None:
    path = str(tmp_path / "t")
    filled(path, tmp_path)
    left = tmp_path / "t" / "_batch=never" / "x.parquet"
    left.parent.mkdir()
    rows(9).write_parquet(left)
    erase.strip(path, "who", [GONE], mine=False)
    assert left.exists(), "somebody may be about to commit it"
    erase.strip(path, "who", [GONE], mine=True)
    assert not left.exists()


@pytest.mark.parametrize(("kind", "key", "rows_left"), [(pl.Int64, "7", [1, 2]), (pl.Float64, "7", [1.0, 2.0])])
def test_a_number_is_known_by_its_text(
    tmp_path: Path, kind: type[pl.DataType], key: str, rows_left: list[float]
) -> None:
    path = str(tmp_path / "t")
    table.append(path, "a", pl.DataFrame({"who": [1, 7, 2]}, schema={"who": kind}))
    erase.strip(path, "who", [key], mine=True)
    assert table.scan(path, ["a"]).collect()["who"].to_list() == rows_left


def test_beside_writers_nothing_is_lost_and_nothing_is_left(tmp_path: Path) -> None:
    path = str(tmp_path / "t")
    filled(path, tmp_path)
    with ThreadPoolExecutor(3) as hands:
        writing = [hands.submit(table.append, path, f"w{n}", rows(n, subject=False)) for n in range(12)]
        erasing = hands.submit(erase.strip, path, "who", [GONE], mine=False)
        for one in [*writing, erasing]:
            one.result()
    erase.strip(path, "who", [GONE], mine=True)
    assert table.scan(path, [f"w{n}" for n in range(12)]).collect().height == 60
    assert GONE.encode() not in everything(Path(path))


def test_what_a_file_says_of_its_least_and_greatest_values_hides_no_row(tmp_path: Path) -> None:
    path = str(tmp_path / "t")
    table.append(path, "a", rows(1))
    file = next((tmp_path / "t").glob("_batch=a/*.parquet"))
    data = file.read_bytes()
    footer = len(data) - 8 - int.from_bytes(data[-8:-4], "little")
    file.write_bytes(data[:footer] + data[footer:].replace(GONE.encode(), b"aa-gone"))
    trusting = pl.scan_parquet(file, hive_partitioning=False).filter(pl.col("who") == GONE).collect()
    assert trusting.is_empty(), "the statistics do not lie, so this test shows nothing"
    assert {batch: part.height for batch, part in erase.find(path, "who", [GONE]).items()} == {"a": 1}
    erase.strip(path, "who", [GONE], mine=True)
    assert table.scan(path, ["a"]).collect()["who"].to_list() == rows(1, subject=False)["who"].to_list()


def test_each_file_is_read_through_once_and_what_changed_is_read_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = str(tmp_path / "t")
    filled(path, tmp_path)
    read: list[str] = []
    kept = erase._rows
    monkeypatch.setattr(erase, "_rows", lambda file: (read.append(file.parent.name), kept(file))[1])
    looked: dict[Any, bool] = {}
    assert len(erase.find(path, "who", [GONE], looked)) == 3
    assert sorted(read) == [f"_batch={name}" for name in ("a", "adopted", "clean", "only")]
    read.clear()
    erase.strip(path, "who", [GONE], mine=True, looked=looked)
    assert sorted(read) == [f"_batch={name}" for name in ("a", "adopted", "only")], "to write them anew"
    table.append(path, "later", rows(5))  # arrives meanwhile
    read.clear()
    assert set(erase.find(path, "who", [GONE], looked)) == {"later"}
    assert "_batch=clean" not in read
    assert sorted(read) == [f"_batch={name}" for name in ("a", "adopted", "later", "only")], (
        "what was written is checked"
    )
    clean = next((tmp_path / "t").glob("_batch=clean/*.parquet"))
    rows(3).write_parquet(clean)  # by whom ever: another file under the same name
    assert erase.find(path, "who", [GONE], looked)["clean"].height == 1
