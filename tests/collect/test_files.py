"""Files become rows, or one sentence says which of them cannot and where."""

import gzip
from pathlib import Path

import polars as pl
import pytest

from noria.collect.config import Files
from noria.collect.files import read
from noria.errors import BadInput, BadLifecycle

GOOD = "who,age,paid\na,1,yes\nb,2,no\n"


def kept(tmp_path: Path, name: str, content: bytes | str) -> Path:
    path = tmp_path / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("long.csv", "a,b\n1,2\n3,4,5\n", "line 3 has 3 fields instead of 2"),
        ("short.csv", "a,b\n1,2\n3\n5,6\n", "line 3 has 1 fields instead of 2"),
        ("quoted.csv", 'a,b\n"x\ny",2\n3\n', "line 4 has 1 fields instead of 2"),
        ("cut.csv", "a,b\n1,2\n3", "line 3 has 1 fields instead of 2"),
        ("open.csv", 'a,b\n1,"x\n2,y\n', 'could not parse `"x'),
        ("empty.csv", "", "it is empty"),
        ("blank.csv", "\n\n", "cannot be collected"),
        ("head.csv", "a,b\n", "it has no rows"),
        ("void.csv", "a,b\n\n\n", "it has no rows"),
        ("twice.csv", "a,b,a\n1,2,3\n", "column a is there twice"),
        ("mark.csv", "\ufeffa,a\n1,2\n", "column a is there twice"),
        ("latin.csv", "name,age\nJosé,1\n".encode("latin-1"), "not readable as csv"),
        ("late.csv", b"name,age\n" + b"x,1\n" * 20_000 + "José,1\n".encode("latin-1"), "not readable as csv"),
        ("wide.csv", "name,age\nx,1\n".encode("utf-16"), "not readable as csv"),
        ("field.csv", '"' + "x" * 200_000, "not readable as csv"),
        ("cut.csv.gz", gzip.compress(b"a,b\n" + bytes(range(48, 58)) * 9000, mtime=0)[:15], "not readable as csv"),
        ("bad.csv.gz", gzip.compress(GOOD.encode(), mtime=0)[:-9] + b"garbage!!", "not readable as csv"),
        ("not.csv.gz", GOOD, "not readable as csv"),
        ("empty.jsonl", "", "it is empty"),
        ("cut.jsonl", '{"a": 1}\n{"a": ', "not readable as jsonl"),
        ("not.parquet", "hello", "not readable as parquet"),
        ("empty.parquet", "", "not readable as parquet"),
        ("data.xls", GOOD, "extension '.xls' is unknown"),
        ("data", GOOD, "extension '' is unknown"),
    ],
)
def test_a_file_that_cannot_be_used_is_one_sentence_with_its_place_and_the_way_out(
    tmp_path: Path, name: str, content: bytes | str, said: str
) -> None:
    path = kept(tmp_path, name, content)
    with pytest.raises(BadInput) as caught:
        read(path, Files("*"))
    assert said in caught.value.what
    assert name in caught.value.what
    assert caught.value.where == str(path)
    assert caught.value.do
    assert "\n" not in str(caught.value)


def test_a_file_that_is_gone_is_bad_input(tmp_path: Path) -> None:
    for name in ("gone.csv", "gone.jsonl", "gone.parquet"):
        with pytest.raises(BadInput, match="gone"):
            read(tmp_path / name, Files("*"))


def test_the_same_rows_are_read_from_every_format(tmp_path: Path) -> None:
    frame = pl.DataFrame({"who": ["a", "b"], "age": [1, 2], "paid": ["yes", "no"]})
    frame.write_parquet(tmp_path / "x.parquet")
    frame.write_ndjson(tmp_path / "x.jsonl")
    files = [
        kept(tmp_path, "x.csv", GOOD),
        kept(tmp_path, "y.csv", "\ufeff" + GOOD),
        kept(tmp_path, "z.csv", GOOD.replace("\n", "\r\n")),
        kept(tmp_path, "blank.csv", GOOD.replace("b,", "\nb,") + "\n\n"),
        kept(tmp_path, "x.tsv", GOOD.replace(",", "\t")),
        kept(tmp_path, "x.csv.gz", gzip.compress(GOOD.encode(), mtime=0)),
        tmp_path / "x.parquet",
        tmp_path / "x.jsonl",
    ]
    for file in files:
        assert read(file, Files("*")).equals(frame), file.name
    other = kept(tmp_path, "odd.data", GOOD.replace(",", ";"))
    assert read(other, Files("*", format="csv", separator=";")).equals(frame)


def test_a_word_for_missing_among_numbers_is_missing(tmp_path: Path) -> None:
    path = kept(tmp_path, "x.csv", "a,b\n" + "1,2\n" * 12_000 + "n/a,3\n")
    found = read(path, Files("*"))
    assert found.schema == {"a": pl.Float64, "b": pl.Int64}
    assert found["a"][[0, -1]].to_list() == [1.0, None]


def test_a_text_among_numbers_is_a_mistake_unless_the_column_is_said_to_be_text(tmp_path: Path) -> None:
    path = kept(tmp_path, "x.csv", "a,b\n" + "1,2\n" * 12_000 + "forty,3\n")
    with pytest.raises(BadInput, match="line 12002: 'forty' in column a") as caught:
        read(path, Files("*"))
    assert 'text=["a"]' in caught.value.do
    assert read(path, Files("*", text=["a"]))["a"][[0, -1]].to_list() == ["1", "forty"]


def test_texts_that_are_often_numbers_stay_texts(tmp_path: Path) -> None:
    path = kept(tmp_path, "x.csv", "a\n" + "1\n" * 90 + "7b\n" * 10)
    assert read(path, Files("*"))["a"].dtype == pl.String


def test_missing_values_at_the_end_of_a_row_are_no_broken_row(tmp_path: Path) -> None:
    found = read(kept(tmp_path, "x.csv", 'a,b\n1,\n"x,y",2\n'), Files("*"))
    assert found.rows() == [("1", None), ("x,y", 2)]


@pytest.mark.parametrize("wrong", [{"format": "xls"}, {"separator": ""}, {"separator": "||"}])
def test_an_impossible_source_is_refused(wrong: dict[str, str]) -> None:
    with pytest.raises(BadLifecycle) as caught:
        Files("*", **wrong)
    assert caught.value.do
