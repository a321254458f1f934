"""What cannot be used is one sentence; the last version is as it was, and the next collect stumbles over nothing."""

from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import polars as pl
import pytest

from data.steps import Bench
from noria.collect import check
from noria.collect.config import Rows
from noria.data import table
from noria.errors import BadInput, UserError
from noria.lifecycle import Lifecycle
from noria.store import datasets

GOOD = pl.DataFrame({"who": ["a", "b"], "age": [30, 40], "paid": ["yes", "no"]})
LONG = "x" * (check.LONGEST + 1)


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    made = Bench(tmp_path, Lifecycle("loans", collect="inbox/*", label="paid"))
    made.arrive("1.csv", GOOD)
    made.do("collect")
    made.turn()
    return made


def parquet(bench: Bench, name: str, frame: pl.DataFrame) -> Path:
    path = bench.inbox / name
    frame.write_parquet(path, compression="uncompressed")
    return path


def refused(bench: Bench, said: str) -> None:
    with bench.store.read() as c:
        before = datasets.batches(c, "loans"), datasets.versions(c, "loans")
    with pytest.raises(BadInput) as caught:
        bench.do("collect")
    assert said in caught.value.what
    assert "2." in f"{caught.value.what} {caught.value.where}", "which file it is"
    assert "\n" not in str(caught.value)
    with bench.store.read() as c:
        assert (datasets.batches(c, "loans"), datasets.versions(c, "loans")) == before
    (two,) = bench.inbox.glob("2.*")
    two.unlink()
    bench.arrive("3.csv", GOOD.with_columns(pl.col("age") + 1))
    facts = bench.do("collect").facts
    assert table.scan(f"{bench.settings.data}/loans", facts["batches"]).collect()["age"].to_list() == [30, 40, 31, 41]


@pytest.mark.parametrize("cut", [0.3, 0.7, 0.99])
def test_a_truncated_parquet_file(bench: Bench, cut: float) -> None:
    path = parquet(bench, "2.parquet", GOOD)
    path.write_bytes(path.read_bytes()[: int(path.stat().st_size * cut)])
    refused(bench, "not readable as parquet")


@pytest.mark.parametrize("name", ["2.csv", "2.jsonl", "2.csv.gz"])
def test_a_parquet_file_under_a_wrong_extension(bench: Bench, name: str) -> None:
    parquet(bench, name, GOOD)
    refused(bench, "cannot be collected: it is not readable as")


def test_a_csv_file_under_a_wrong_extension(bench: Bench) -> None:
    bench.arrive("2.parquet", GOOD.reverse().write_csv())
    refused(bench, "not readable as parquet")


@pytest.mark.parametrize("separator", [";", "\t", "|"])
def test_a_changed_delimiter(bench: Bench, separator: str) -> None:
    bench.arrive("2.csv", GOOD.write_csv(separator=separator))
    refused(bench, f"seem to be separated by {separator!r}")


@pytest.mark.parametrize("encoding", ["latin-1", "utf-16", "cp1252"])
def test_a_changed_encoding(bench: Bench, encoding: str) -> None:
    bench.arrive("2.csv", "who,age,paid\nJosé,1,yes\n".encode(encoding))
    refused(bench, "not readable as csv")


@pytest.mark.parametrize(
    ("column", "said"),
    [
        (pl.Series([[[1]], [[2]]]), "column more holds List"),
        (pl.Series([["a|b"], ["c"]]), "a value in the lists of column more holds '|'"),
        (pl.Series([{"a": 1}, {"a": 2}]), "column more holds Struct"),
        (pl.Series([2**64, 1], dtype=pl.Int128), "column more holds whole numbers of more than 64 bits"),
        (pl.Series([LONG, "y"]), "column more has a value of 17 MB"),
    ],
    ids=["list of lists", "separator", "struct", "beyond 64 bits", "long"],
)
def test_values_that_no_table_holds(bench: Bench, column: pl.Series, said: str) -> None:
    parquet(bench, "2.parquet", GOOD.with_columns(more=column))
    refused(bench, said)


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        (
            "2.csv",
            "who,age,paid,at\na,1,yes,2026-01-01T00:00:00\nb,1,no,2026-01-01T00:00:00+02:00\n",
            "name their zone",
        ),
        ("2.csv", f"who,age,paid,n\na,1,yes,{2**64}\nb,1,no,1\n", "whole numbers of more than 64 bits"),
        ("2.jsonl", f'{{"who": "a", "age": 1, "paid": "yes", "n": {2**64}}}\n', "whole numbers of more than 64 bits"),
        ("2.jsonl", '{"who": "a", "age": 1, "paid": "yes", "n": {"x": [1]}}\n', "column n holds Struct"),
        ("2.csv", f"who,age,paid\n{LONG * 2},1,yes\n", "one value that does not end"),
        ("2.csv", f'who,age,paid\n"{LONG[:9_000_000]},{LONG[:9_000_000]}",1,yes\n', "column who has a value of 18 MB"),
        ("2.jsonl", f'{{"who": "{LONG * 2}", "age": 1, "paid": "yes"}}\n', "one value that does not end"),
    ],
    ids=["zones", "number", "json number", "nested", "long", "long in parts", "json long"],
)
def test_texts_that_no_table_holds(bench: Bench, name: str, content: str, said: str) -> None:
    bench.arrive(name, content)
    refused(bench, said)


def test_times_with_a_zone_do_not_follow_times_without(bench: Bench) -> None:
    at = [datetime(2026, 1, 1)] * 2
    bench.arrive("3.csv", GOOD.with_columns(pl.col("age") + 1, at=pl.Series(at)))
    parquet(bench, "2.parquet", GOOD.with_columns(at=pl.Series(at).dt.replace_time_zone("UTC")))
    (bench.inbox / "3.csv").rename(bench.folder / "first.csv")
    (bench.inbox / "2.parquet").rename(bench.folder / "second.parquet")
    (bench.folder / "first.csv").rename(bench.inbox / "0.csv")
    bench.do("collect")
    bench.turn()
    (bench.folder / "second.parquet").rename(bench.inbox / "2.parquet")
    with pytest.raises(BadInput, match="column at is Datetime") as caught:
        bench.do("collect")
    assert "2.parquet" in caught.value.where


def test_decimals_times_with_zones_and_columns_without_a_value_are_kept(bench: Bench) -> None:
    at = datetime(2026, 1, 1, 12, tzinfo=UTC)
    wide = {
        "price": pl.Series([Decimal("1.10"), Decimal("12345678901234.56")]),
        "at": pl.Series([at, None]).dt.convert_time_zone("Asia/Tokyo"),
        "none": pl.Series([None, None]),
    }
    parquet(bench, "2.parquet", GOOD.with_columns(**wide))
    rows = table.scan(f"{bench.settings.data}/loans", bench.do("collect").facts["batches"]).collect()
    assert rows["price"].drop_nulls().to_list() == [Decimal("1.10"), Decimal("12345678901234.56")]
    assert rows["at"].drop_nulls().to_list() == [at]
    assert rows["none"].null_count() == 4


@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_a_table_of_two_thousand_columns_is_collected(tmp_path: Path, kind: str) -> None:
    bench = Bench(tmp_path, Lifecycle("loans", collect="inbox/*", label="paid"))
    wide = GOOD.with_columns(pl.col("age").alias(f"x{n}") for n in range(2000))
    wide.write_csv(bench.inbox / "1.csv") if kind == "csv" else parquet(bench, "1.parquet", wide)
    rows = table.scan(f"{bench.settings.data}/loans", bench.do("collect").facts["batches"]).collect()
    assert rows.select(wide.columns).equals(wide)
    assert rows["_row"].to_list() == [0, 1]


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ({"a": 1}, "column more holds Struct"),
        (2**64, "whole numbers of more than 64 bits"),
        (2**200, "did not give rows"),
        (LONG, "column more has a value of 17 MB"),
        (b"\x00", "column more holds Binary"),
        ([[1]], "column more holds List"),
        (object(), "column more holds Object"),
    ],
    ids=["struct", "beyond 64 bits", "beyond 128 bits", "long", "bytes", "list of lists", "object"],
)
def test_values_of_a_function_that_no_table_holds(tmp_path: Path, value: object, said: str) -> None:
    rows: list[dict[str, object]] = [{"who": "a", "more": "x", "paid": "yes"}]
    bench = Bench(tmp_path, Lifecycle("loans", collect=Rows(lambda: rows), label="paid"))
    bench.do("collect")
    rows[0] = {"who": "a", "more": value, "paid": "yes"}
    with pytest.raises(UserError) as caught:
        bench.do("collect")
    assert said in caught.value.what
    assert "\n" not in str(caught.value)
    with bench.store.read() as c:
        assert len(datasets.versions(c, "loans")) == 1
    rows[0] = {"who": "b", "more": "y", "paid": "no"}
    facts = bench.do("collect").facts
    assert table.scan(f"{bench.settings.data}/loans", facts["batches"]).collect()["who"].to_list() == ["a", "b"]


@pytest.mark.parametrize("content", [b'{"who": "Jos\xe9", "age": 1, "paid": "yes"}\n', b'{"who": "a", "age": 1\n'])
def test_json_lines_in_another_encoding_or_cut(bench: Bench, content: bytes) -> None:
    bench.arrive("2.jsonl", content)
    refused(bench, "not readable as jsonl")
