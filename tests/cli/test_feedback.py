"""noria feedback: labels from a file, whole or not at all; and how good each version really is."""

from pathlib import Path
from typing import Any

import pytest

from .conftest import PREDICTIONS, Noria

HEAD = "prediction,label,rating\n"


def versions(noria: Noria) -> list[dict[str, Any]]:
    """Each version that answered, as ``show`` tells it."""
    found = noria("feedback", "show", "loans", "--json").data
    return [one for one in found["measured"] if one["by"] == "version"]


def test_labels_of_a_file_are_taken_once_and_tell_how_good_each_version_is(mine: Path, noria: Noria) -> None:
    file = mine / "labels.csv"
    file.write_text(HEAD + "p1,yes,\np2,no,0.5\n")
    assert noria("feedback", "import", "loans", file).out == "2 feedback rows for loans\n"
    assert noria("feedback", "import", "loans", file, "--json").data == {"endpoint": "loans", "rows": 2}
    assert [(one["version"], one["predictions"], one["labelled"]) for one in versions(noria)] == [(1, 2, 1), (2, 2, 1)]
    assert [line.split()[:1] for line in noria("feedback", "show", "loans").out.splitlines()[2:]] == [["1"], ["2"]]
    slices = noria("feedback", "show", "loans", "--by", "slice").out
    assert "sex = f" in slices
    assert "job = nurse" in slices
    assert "2026-01-01" in noria("feedback", "show", "loans", "--by", "window", "--window", "1d").out
    page = Path(noria("feedback", "show", "loans", "--html").out.strip())
    assert b"What is live: loans" in page.read_bytes()


def test_without_labels_the_predictions_are_counted(project: Path, noria: Noria) -> None:
    found = versions(noria)
    assert sum(one["predictions"] for one in found) == PREDICTIONS
    assert {one["labelled"] for one in found} == {0}
    assert all("accuracy" in one["estimated"] for one in found)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (HEAD + "p1,yes,\np9,no,\n", "1 of 2 predictions were never captured, the first is p9"),
        (HEAD + "p1,,\n", "1 rows have neither label nor rating"),
        ("prediction\np1\n", "the columns are prediction"),
        ("", "the file cannot be read"),
    ],
    ids=["an unknown prediction", "a row that says nothing", "no label column", "an empty file"],
)
def test_a_file_with_a_mistake_is_refused_whole(mine: Path, noria: Noria, content: str, said: str) -> None:
    file = mine / "labels.csv"
    file.write_text(content)
    ended = noria("feedback", "import", "loans", file)
    assert ended.code == 2
    assert said in ended.said
    assert {one["labelled"] for one in versions(noria)} == {0}


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (
            ["show", "loans", "--by", "colour"],
            "cannot tell apart by 'colour' (--by). Use version, variant, slice, window.",
        ),
        (
            ["show", "loans", "--window", "soon"],
            "'soon' is no length of time (window). Write for example 30s, 15m, 6h or 7d.",
        ),
        (["show", "loan"], "no endpoint loan (routes). Did you mean loans?"),
        (["import", "loan", "labels.csv"], "no endpoint loan (routes). Did you mean loans?"),
        (["import", "loans", "labels.csv"], "there is no such file (labels.csv). Nothing was taken."),
        (["import", "loans", "lifecycle.py"], "cannot read '.py' (lifecycle.py). Use one of .csv, .parquet, .jsonl."),
    ],
    ids=" ".join,
)
def test_a_mistake_is_one_sentence_with_what_was_meant(
    project: Path, noria: Noria, words: list[str], said: str
) -> None:
    ended = noria("feedback", *words)
    assert (ended.code, ended.out, ended.said) == (2, "", said)
