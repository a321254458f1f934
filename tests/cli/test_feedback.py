"""noria feedback: labels from a file, whole or not at all; and how good each version really is."""

import json
from pathlib import Path
from typing import Any

import polars as pl
import pytest

import projects
from noria.data import captured, table

from .conftest import PREDICTIONS, Noria, place_of

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


def test_each_time_window_is_measured_and_held_against_the_release(mine: Path, noria: Noria) -> None:
    place = place_of(mine)
    people, weeks = projects.rows(600, seed=5).to_dicts(), ("2026-03-02", "2026-03-09")
    given, told = [], []
    for n, person in enumerate(people):
        week = n // 300
        right = week == 0 or n % 2 == 0  # in the second week every other answer is wrong
        yes = (person["approved"] == "yes") == right
        sent = {name: person[name] for name in ("age", "amount", "job", "sex")}
        sent["age"] += 60 * week  # and callers send another age
        outputs = {
            "label": "yes" if yes else "no",
            "probabilities": {"no": 0.1 + 0.8 * (not yes), "yes": 0.1 + 0.8 * yes},
        }
        at = f"{weeks[week]}T10:00:00.000000+00:00"
        row = {"id": f"w{n:04}", "at": at, "endpoint": "loans", "version": 2, "variant": "champion"}
        row |= {"inputs": json.dumps(sent), "outputs": json.dumps(outputs)}
        given.append(dict.fromkeys(captured.PREDICTION) | row)
        told.append(
            {**dict.fromkeys(captured.FEEDBACK), "prediction": f"w{n:04}", "at": at, "label": person["approved"]}
        )
    for kind, rows, kinds in (("predictions", given, captured.PREDICTION), ("feedback", told, captured.FEEDBACK)):
        table.append(captured.path(place.settings, "loans", kind), "weeks", pl.DataFrame(rows, schema=kinds))
    found = noria("feedback", "show", "loans", "--window", "7d", "--json").data
    windows = {one["name"]: one for one in found["measured"] if one["by"] == "window" and one["version"] == 2}
    accuracy = [windows[week]["metrics"]["accuracy"]["value"] for week in weeks]
    assert accuracy == [1.0, 0.5]
    moved = {
        one["window"]: [column["column"] for column in one["inputs"] if column["moved"]]
        for one in found["drift_over_time"]
        if one["version"] == 2
    }
    assert {week: moved[week] for week in weeks} == {weeks[0]: [], weeks[1]: ["age"]}
    answers = {one["window"]: one["answers"] for one in found["drift_over_time"] if one["version"] == 2}
    assert {one["column"] for one in answers[weeks[1]]} == {"probability of no", "probability of yes", "answer"}
    assert found["drift"][-1]["window"] is None
    out = noria("feedback", "show", "loans", "--by", "window", "--window", "7d").out
    assert f"version 2, {weeks[1]}: age moved" in out
    assert f"version 2, {weeks[0]}: age moved" not in out
    page = Path(noria("feedback", "show", "loans", "--window", "7d", "--html").out.strip()).read_text()
    assert "Drift over time" in page
    assert "too few answers to say" in page  # of the other version, which gave two
