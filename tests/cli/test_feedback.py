"""noria feedback: labels from a file, whole or not at all; and how good each version really is."""

from pathlib import Path

import pytest

from .conftest import PREDICTIONS, Noria

HEAD = "prediction,label,rating\n"


def test_labels_of_a_file_are_taken_once_and_tell_how_good_each_version_is(mine: Path, noria: Noria) -> None:
    file = mine / "labels.csv"
    file.write_text(HEAD + "p1,yes,\np2,no,0.5\n")
    assert noria("feedback", "import", "loans", file).out == "2 feedback rows for loans\n"
    assert noria("feedback", "import", "loans", file, "--json").data == {"endpoint": "loans", "rows": 2}
    found = noria("feedback", "show", "loans", "--json").data
    assert [(one["version"], one["predictions"], one["labelled"]) for one in found] == [(1, 2, 1), (2, 2, 1)]
    assert "version" in noria("feedback", "show", "loans").out


def test_without_labels_the_predictions_are_counted(project: Path, noria: Noria) -> None:
    found = noria("feedback", "show", "loans", "--json").data
    assert sum(one["predictions"] for one in found) == PREDICTIONS
    assert {one["labelled"] for one in found} == {0}


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
    assert {one["labelled"] for one in noria("feedback", "show", "loans", "--json").data} == {0}


@pytest.mark.parametrize(
    ("words", "said"),
    [
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
