"""noria data: what there is of the data, and what is said of names that there are not."""

import json
from pathlib import Path

import polars as pl
import pytest

from noria.data import table

from .conftest import Noria


def test_the_log_names_every_version_with_its_rows_and_verdict(project: Path, noria: Noria) -> None:
    lines = noria("data", "log").out.splitlines()
    assert [line.split()[0] for line in lines[2:]] == ["loans@1", "loans@2"]
    found = noria("data", "log", "loans", "--json").data
    assert [(one["number"], one["rows"], one["verdict"], one["tags"]) for one in found] == [
        (1, 600, "pass", []),
        (2, 900, "pass", []),
    ]


def test_a_version_is_shown_with_its_batches_and_how_any_engine_reads_it(project: Path, noria: Noria) -> None:
    found = noria("data", "show", "loans", "--json").data
    assert [batch["source"]["name"] for batch in found["batches"]] == ["inbox/1.csv", "inbox/2.csv"]
    rows = pl.scan_delta(found["delta"]).filter(pl.sql_expr(found["where"])).collect()
    assert rows.height == found["version"]["rows"] == 900
    shown = noria("data", "show", "loans@1").out
    assert "inbox/1.csv" in shown
    assert "inbox/2.csv" not in shown
    assert "Verdict pass, remedy none." in shown


def test_the_difference_of_two_versions_is_what_they_do_not_share(project: Path, noria: Noria) -> None:
    found = noria("data", "diff", "loans@1", "loans@2", "--json").data
    assert (len(found["batches added"]), found["batches gone"]) == (1, [])
    assert (found["rows added"], found["rows gone"]) == (300, 0)
    assert found["labels before"].keys() == found["labels after"].keys() == {"no", "yes"}
    back = noria("data", "diff", "loans@2", "loans@1", "--json").data
    assert (back["rows added"], back["rows gone"]) == (0, 300)
    assert "rows added" in noria("data", "diff", "loans@1", "loans@2").out


def test_a_tag_is_another_name_for_a_version_and_can_move(mine: Path, noria: Noria) -> None:
    assert noria("data", "tag", "loans@1", "good").out == "loans@good is loans@1\n"
    assert noria("data", "show", "loans@good", "--json").data["version"]["number"] == 1
    assert noria("data", "tag", "loans@2", "good", "--json").data == {"dataset": "loans", "tag": "good", "version": 2}
    assert noria("data", "show", "loans@good", "--json").data["version"]["number"] == 2
    assert [one["tags"] for one in noria("data", "log", "--json").data] == [[], ["good"]]
    assert "good" in noria("data", "log").out
    assert noria("data", "show", "loans@god").said == "no tag god (dataset loans). Did you mean good?"


@pytest.mark.parametrize("word", ["7", "a@b", "", "two words", "[/]"])
def test_a_tag_is_one_word_that_can_be_typed(project: Path, noria: Noria, word: str) -> None:
    ended = noria("data", "tag", "loans@1", word)
    assert ended.code == 2
    assert "is no tag" in ended.said


@pytest.mark.parametrize(
    ("name", "read"), [("rows.parquet", pl.read_parquet), ("rows.csv", pl.read_csv), ("rows.jsonl", pl.read_ndjson)]
)
def test_an_export_holds_the_rows_of_the_version(project: Path, noria: Noria, tmp_path: Path, name: str, read) -> None:  # type: ignore[no-untyped-def]
    file = tmp_path / name
    found = noria("data", "export", "loans@1", file, "--json").data
    assert (found["rows"], found["file"]) == (600, str(file))
    frame = read(file)
    assert frame.columns == ["applicant", "age", "amount", "job", "sex", "approved"]
    assert frame.height == 600
    assert noria("data", "export", "loans@2", file).out == f"900 rows in {file}\n"
    assert set(frame.columns).isdisjoint(table.RESERVED)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["log", "loan"], "no dataset loan (datasets). Did you mean loans?"),
        (["log", "houses"], "no dataset houses (datasets). There are: loans."),
        (["show", "loan@1"], "no dataset loan (datasets). Did you mean loans?"),
        (["show", "loans@9"], "no version 9 of dataset loans (datasets). See 'noria data log'."),
        (["show", "loans@99999999999999999999"], "no tag 99999999999999999999 (dataset loans). There are: none yet."),
        (["show", "loans@²"], "no tag ² (dataset loans). There are: none yet."),
        (["diff", "loans@1", "loan@2"], "no dataset loan (datasets). Did you mean loans?"),
        (["tag", "loan", "good"], "no dataset loan (datasets). Did you mean loans?"),
        (["export", "loans", "rows.xls"], "cannot write '.xls' (rows.xls). Use one of .parquet, .csv, .jsonl."),
        (["export", "loans", "no/rows.csv"], "there is no such folder (no). Make it, or choose another."),
    ],
    ids=" ".join,
)
def test_a_mistake_is_one_sentence_with_what_was_meant(
    project: Path, noria: Noria, words: list[str], said: str
) -> None:
    ended = noria("data", *words)
    assert (ended.code, ended.out, ended.said) == (2, "", said)
    as_json = noria("data", *words, "--json")
    assert json.loads(as_json.out) == {"error": said, "code": 2}
