"""Labels from a file: whole or not at all, and the same content only once."""

from pathlib import Path

import polars as pl
import pytest

from data.steps import NOON
from noria.data import captured, table
from noria.errors import BadInput
from noria.feedback.bring import bring
from noria.settings import Settings


@pytest.fixture
def place(tmp_path: Path) -> Settings:
    where = Settings(tmp_path / "home", "", "")
    rows = [{**dict.fromkeys(captured.PREDICTION), "id": f"p{n}"} for n in range(1, 5)]
    path = captured.path(where, "loans", "predictions")
    table.append(path, "1", pl.DataFrame(rows, schema=captured.PREDICTION, orient="row"))
    return where


def file(tmp_path: Path, text: str, name: str = "labels.csv") -> Path:
    path = tmp_path / name
    path.write_text(text)
    return path


def labels(place: Settings) -> list[tuple[object, ...]]:
    return sorted(captured.labels(place, "loans").select("prediction", "label", "rating").rows())


@pytest.mark.parametrize("kind", ["csv", "parquet", "jsonl"])
def test_every_kind_of_file_gives_labels_and_ratings(place: Settings, tmp_path: Path, kind: str) -> None:
    frame = pl.DataFrame({"prediction": ["p1", "p2", "p3"], "label": ["1", None, "0"], "rating": [None, 0.5, 1.0]})
    path = tmp_path / f"labels.{kind}"
    {"csv": frame.write_csv, "parquet": frame.write_parquet, "jsonl": frame.write_ndjson}[kind](path)
    assert bring(place, NOON, path, "loans") == 3
    assert labels(place) == [("p1", "1", None), ("p2", None, 0.5), ("p3", "0", 1.0)]


def test_the_same_content_again_is_taken_once_whatever_its_name(place: Settings, tmp_path: Path) -> None:
    text = "prediction,label\np1,yes\np2,no\n"
    bring(place, NOON, file(tmp_path, text), "loans")
    version = captured.versions(place, "loans")
    bring(place, NOON, file(tmp_path, text, "copy.csv"), "loans")
    assert captured.versions(place, "loans") == version
    bring(place, NOON, file(tmp_path, "prediction,label\np1,no\n"), "loans")
    assert captured.versions(place, "loans") > version


@pytest.mark.parametrize(
    ("text", "name", "said"),
    [
        ("prediction,label\np1,yes\np9,no\n", "x.csv", "1 of 2 predictions were never captured, the first is p9"),
        ("prediction,label\np1,yes\n,no\n", "x.csv", "1 of 2 predictions were never captured"),
        ("prediction,label\np1,yes\np2,\n", "x.csv", "1 rows have neither label nor rating"),
        ("prediction,rating\np1,good\n", "x.csv", "a rating is no number"),
        ("prediction,verdict\np1,yes\n", "x.csv", "the columns are prediction, verdict"),
        ("label\nyes\n", "x.csv", "the columns are label"),
        ("", "x.csv", "the file cannot be read"),
        ("prediction,label\np1,yes,7\n", "x.csv", "the file cannot be read"),
        ("hello", "x.parquet", "the file cannot be read"),
        ("prediction,label\np1,yes\n", "x.xls", "cannot read '.xls'"),
    ],
)
def test_a_file_that_cannot_be_used_is_one_sentence_and_nothing_of_it_is_taken(
    place: Settings, tmp_path: Path, text: str, name: str, said: str
) -> None:
    with pytest.raises(BadInput) as caught:
        bring(place, NOON, file(tmp_path, text, name), "loans")
    assert said in caught.value.what
    assert caught.value.where == str(tmp_path / name)
    assert caught.value.do
    assert labels(place) == []


def test_a_file_that_is_gone_is_bad_input(place: Settings, tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="cannot be read"):
        bring(place, NOON, tmp_path / "gone.csv", "loans")
