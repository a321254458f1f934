"""noria data: what there is of the data, and what is said of names that there are not."""

import gzip
import json
from pathlib import Path

import duckdb
import polars as pl
import pytest
from deltalake import DeltaTable

import projects
from noria.data import multiset, table

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
    assert "Verdict pass, remedy none" in shown


def test_the_difference_of_two_versions_is_what_they_do_not_share(project: Path, noria: Noria) -> None:
    found = noria("data", "diff", "loans@1", "loans@2", "--json").data
    assert (len(found["batches_added"]), found["batches_gone"]) == (1, [])
    assert (found["rows_added"], found["rows_gone"]) == (300, 0)
    assert found["labels_before"].keys() == found["labels_after"].keys() == {"no", "yes"}
    assert found["columns_added"] == found["columns_gone"] == found["columns_changed"] == {}
    back = noria("data", "diff", "loans@2", "loans@1", "--json").data
    assert (back["rows_added"], back["rows_gone"]) == (0, 300)
    assert "rows added" in noria("data", "diff", "loans@1", "loans@2").out


def test_a_tag_is_another_name_for_a_version_and_can_move(mine: Path, noria: Noria) -> None:
    assert noria("data", "tag", "loans@1", "good").out == "loans@good is loans@1\n"
    assert noria("data", "show", "loans@good", "--json").data["version"]["number"] == 1
    moved = noria("data", "tag", "loans@2", "good", "--json").data
    assert moved == {"dataset": "loans", "tag": "good", "version": 2, "before": 1}
    assert noria("data", "tags", "loans", "--json").data == {"good": 2}
    assert noria("data", "show", "loans@good", "--json").data["version"]["number"] == 2
    assert [one["tags"] for one in noria("data", "log", "--json").data] == [[], ["good"]]
    assert "good" in noria("data", "log").out
    assert noria("data", "show", "loans@god").said == "no tag god (dataset loans). Did you mean good?"
    assert noria("data", "untag", "loans", "god").said == "no tag god (dataset loans). Did you mean good?"
    assert noria("data", "untag", "loans", "good").out == "loans@good is no name any more; it was loans@2\n"
    assert noria("data", "tags", "loans").out == "Tags of loans: none yet.\n"


@pytest.mark.parametrize("word", ["7", "a@b", "", "two words", "[/]"])
def test_a_tag_is_one_word_that_can_be_typed(project: Path, noria: Noria, word: str) -> None:
    ended = noria("data", "tag", "loans@1", word)
    assert ended.code == 2
    assert "is no tag" in ended.said


HINT = "Choose another name, or add --force."


def unpacked(file: Path) -> pl.DataFrame:
    return pl.read_ndjson(gzip.decompress(file.read_bytes()))


@pytest.mark.parametrize(
    ("name", "read"),
    [("rows.parquet", pl.read_parquet), ("rows.csv", pl.read_csv), ("rows.jsonl", pl.read_ndjson),
     ("rows.csv.gz", pl.read_csv), ("rows.jsonl.gz", unpacked)],
)  # fmt: skip
def test_an_export_holds_the_rows_of_the_version(project: Path, noria: Noria, tmp_path: Path, name: str, read) -> None:  # type: ignore[no-untyped-def]
    file = tmp_path / name
    found = noria("data", "export", "loans@1", file, "--json").data
    assert (found["rows"], found["file"]) == (600, str(file))
    frame = read(file)
    assert frame.columns == ["applicant", "age", "amount", "job", "sex", "approved"]
    assert frame.height == 600
    assert noria("data", "export", "loans@2", file).said == f"{name} is there already ({file}). {HINT}"
    assert noria("data", "export", "loans@2", file, "--force").out == f"900 rows of loans@2 in {file}\n"
    assert read(file).height == 900
    assert [one.name for one in tmp_path.iterdir()] == [name]
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
        (["compare", "loans@1", "loan"], "no dataset loan (datasets). Did you mean loans?"),
        (["quarantine", "loan", "x", "--reason", "r"], "no dataset loan (datasets). Did you mean loans?"),
        (["verify", "loan"], "no dataset loan (datasets). Did you mean loans?"),
        (["untag", "loans", "x"], "no tag x (dataset loans). There are: none yet."),
        (["tags", "loan"], "no dataset loan (datasets). Did you mean loans?"),
        (
            ["accept", "loans@1", "--reason", "r"],
            "loans@1 was let pass (pass) (accept). There is nothing to accept.",
        ),
        (["tag", "loan", "good"], "no dataset loan (datasets). Did you mean loans?"),
        (
            ["export", "loans", "rows.xls"],
            "cannot write '.xls' (rows.xls). Use one of .parquet, .csv, .jsonl, .csv.gz, .jsonl.gz.",
        ),
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


def test_a_folder_gets_one_file_a_batch(project: Path, noria: Noria, tmp_path: Path) -> None:
    folder = tmp_path / "out"
    assert noria("data", "export", "loans", folder, "--json").data["rows"] == 900
    assert [pl.read_parquet(file).height for file in sorted(folder.iterdir())] == [600, 300]
    assert "is not empty" in noria("data", "export", "loans@1", folder).said
    assert noria("data", "export", "loans@1", folder, "--force").code == 0
    assert len(list(folder.iterdir())) == 1
    assert [one.name for one in tmp_path.iterdir()] == ["out"]


def test_two_versions_are_compared_without_reading_a_row(mine: Path, noria: Noria) -> None:
    for file in mine.glob(".noria/data/loans/_batch=*/*.parquet"):
        file.unlink()
    found = noria("data", "compare", "loans@1", "loans@2", "--json").data
    assert found["rows"] == [600, 900]
    assert {one["label"] for one in found["labels"]} == {"no", "yes"}
    assert {one["status"] for one in found["columns"]} == {"same"}


def test_versions_batches_and_files_are_compared_with_each_other(project: Path, noria: Noria, tmp_path: Path) -> None:
    moved = projects.rows(600, seed=5, approved=0.8).with_columns(age=pl.lit(20.0)).drop("job")
    moved.write_parquet(tmp_path / "moved.parquet")
    projects.rows(600, seed=6).write_csv(tmp_path / "same.csv")
    found = noria("data", "compare", "loans@1", tmp_path / "moved.parquet", "--json").data
    assert [(one["column"], one["status"]) for one in found["columns"][:2]] == [("job", "absent"), ("age", "moved")]
    assert {one["label"]: round(one["change"], 1) for one in found["labels"]} == {"no": -0.3, "yes": 0.3}
    batch = noria("data", "show", "loans@1", "--json").data["batches"][0]["id"]
    same = noria("data", "compare", f"loans/{batch[:6]}", tmp_path / "same.csv").out
    assert same.startswith(f"loans/{batch} → {tmp_path / 'same.csv'}: 600 → 600 rows\n")
    assert "moved" not in same
    files = noria("data", "compare", tmp_path / "same.csv", tmp_path / "moved.parquet", "--label", "approved")
    assert "job" in files.out.partition("Columns")[2].splitlines()[2]
    assert "+30.0%" in files.out


def test_a_mistyped_file_is_told_from_those_that_there_are(mine: Path, noria: Noria) -> None:
    assert noria("data", "compare", "loans@1", "inbox/11.csv").said.endswith("Did you mean inbox/1.csv?")
    assert noria("data", "compare", "loans@1", "no/rows.csv").said.endswith("There are: none yet.")


def test_files_are_compared_where_nothing_was_ever_run(
    tmp_path: Path, noria: Noria, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    projects.rows(100).write_csv("a.csv")
    projects.rows(100, seed=3).write_ndjson("b.jsonl")
    assert noria("data", "compare", "a.csv", "b.jsonl", "--html", "page.html").out.endswith("Charts: page.html\n")
    assert "<svg" in Path("page.html").read_text()
    assert "is there already" in noria("data", "compare", "a.csv", "b.jsonl", "--html", "page.html").said
    assert not Path(".noria").exists()


def test_a_batch_is_left_out_and_taken_back_in_on_record(mine: Path, noria: Noria) -> None:
    second = noria("data", "show", "loans@2", "--json").data["batches"][1]["id"]
    out = noria("data", "quarantine", "loans", second[:5], "--reason", "a faulty sensor").out
    assert "loans@1 is the version now: 600 rows." in out
    again = noria("data", "quarantine", "loans", second, "--reason", "again", "--json").data
    assert (again["batch"], again["version"]["number"]) == (second, 1)
    state = noria("data", "show", "loans@2", "--json").data["batches"][1]
    assert (state["state"], state["reason"]) == ("quarantined", "a faulty sensor")
    first = noria("data", "show", "loans@1", "--json").data["batches"][0]["id"]
    assert "no other batch of loans is left" in noria("data", "quarantine", "loans", first, "--reason", "r").said
    assert "loans@2 is the version now" in noria("data", "restore", "loans", second, "--reason", "repaired").out
    assert "is in already" in noria("data", "restore", "loans", second, "--reason", "repaired").out
    entries = noria("audit", "show", "--json").data
    done = [(one["action"], one["subject"], one["reason"]) for one in entries if one["subject"].endswith(second)]
    assert done == [
        ("quarantine", f"batch:loans/{second}", "a faulty sensor"),
        ("restore", f"batch:loans/{second}", "repaired"),
    ]


def test_the_next_run_learns_from_the_version_without_the_batch(mine: Path, noria: Noria) -> None:
    second = noria("data", "show", "loans@2", "--json").data["batches"][1]["id"]
    noria("data", "quarantine", "loans", second, "--reason", "a faulty sensor")
    projects.arrive(mine, "3", count=301)
    steps = noria("run", "lifecycle.py", "--json").data["steps"]
    assert steps[0]["facts"]["version"] == 3
    assert second not in steps[0]["facts"]["batches"]
    assert noria("data", "diff", "loans@2", "loans@3", "--json").data["batches_gone"] == [second]


def test_a_blocked_version_is_accepted_and_the_same_run_goes_on(mine: Path, noria: Noria) -> None:
    projects.arrive(mine, "3", approved=0.9)
    assert noria("run", "lifecycle.py").code == 3
    assert noria("data", "accept", "loans@3", "--reason", " ").code == 2
    assert noria("data", "accept", "loans@3", "--reason", "a campaign").out.startswith("loans@3 may go on")
    shown = noria("data", "show", "loans@3").out
    assert "Verdict warn, remedy accept" in shown
    assert "because: a campaign" in shown
    assert noria("run", "lifecycle.py").code == 0


def test_from_data_to_the_code_and_back(mine: Path, noria: Noria) -> None:
    found = noria("data", "show", "loans@2", "--json").data
    assert found["models"] == ["loans@2"]
    (made,) = found["processed"]
    assert {"rows.train.parquet", "preprocessor"} <= made["outputs"].keys()
    assert any("clean_age" in name for name in made["code"])
    assert (made["state"], made["stale"]) == ("valid", [])
    assert found["anomalies"] == 0
    back = noria("model", "show", "loans@2", "--json").data
    assert back["by"] == made
    assert back["processed"] == made["outputs"]
    assert back["batches"] == found["version"]["batches"]
    assert "valid: today's code makes the same" in noria("model", "show", "loans@2").out
    helper = mine / "features.py"
    helper.write_text(helper.read_text().replace("LIMIT = 100", "LIMIT = 90"))
    explained = noria("run", "lifecycle.py", "--explain")
    assert "LIMIT" in explained.out
    assert "invalid from now on: the processed data of loans@1 (run loans-1), loans@2 (run loans-2)" in explained.out
    assert noria("run", "lifecycle.py").code == 0
    old, new = noria("data", "show", "loans@2", "--json").data["processed"]
    assert any("LIMIT" in sentence for sentence in old["stale"])
    assert (old["state"], new["state"], new["stale"]) == ("invalid", "valid", [])
    assert "invalid since constant LIMIT in features.py changed" in noria("data", "show", "loans@2").out
    assert any("LIMIT" in sentence for sentence in noria("model", "show", "loans@2", "--json").data["by"]["stale"])
    assert "invalid since constant LIMIT" in noria("model", "show", "loans@2").out


def test_one_more_label_in_the_transformer_outdates_its_processed_data_and_nothing_before(
    mine: Path, noria: Noria
) -> None:
    file = mine / "lifecycle.py"
    more = 'OneHotEncoder(categories=[["clerk", "nurse", "pilot", "smith"]], handle_unknown="ignore")'
    file.write_text(file.read_text().replace('OneHotEncoder(handle_unknown="ignore")', more))
    explained = noria("run", "lifecycle.py", "--explain").out
    assert "function features in lifecycle.py changed" in explained
    assert "invalid from now on: the processed data of loans@1 (run loans-1), loans@2 (run loans-2)" in explained
    for number in (1, 2):
        old, *new = noria("data", "show", f"loans@{number}", "--json").data["processed"]
        assert any("features" in sentence for sentence in old["stale"])
        assert [one["stale"] for one in new] == [[]] * (number - 1), "only the newest version is processed again"
    assert noria("model", "show", "loans@1", "--json").data["by"]["stale"]


def test_every_version_reads_back_exactly_by_the_condition_that_is_shown(mine: Path, noria: Noria) -> None:
    for number in (1, 2):
        told = noria("data", "verify", f"loans@{number}", "--json").data
        assert [one["said"] for one in told["batches"]] == ["as recorded"] * number
        found = noria("data", "show", f"loans@{number}", "--json").data
        by_polars = pl.scan_delta(found["delta"]).filter(pl.sql_expr(found["where"])).collect()
        delta = DeltaTable(found["delta"]).to_pyarrow_dataset()  # noqa: F841 - DuckDB reads it by its name
        by_duckdb = duckdb.sql(f"SELECT * FROM delta WHERE {found['where']}").pl()
        assert multiset.digest(by_polars) == multiset.digest(by_duckdb) == told["rows_digest"]


def test_rows_that_are_not_those_of_the_record_are_found(mine: Path, noria: Noria) -> None:
    (file,) = mine.glob(
        f".noria/data/loans/_batch={noria('data', 'show', 'loans@1', '--json').data['batches'][0]['id']}/*"
    )
    rows = pl.read_parquet(file)
    rows.with_columns(age=pl.when(pl.int_range(pl.len()) == 7).then(pl.col("age") + 1).otherwise("age")).write_parquet(
        file
    )
    ended = noria("data", "verify", "loans@2")
    assert ended.code == 1
    assert "NOT as recorded" in ended.out
    assert ended.out.endswith("loans@2 is damaged.\n")
    file.unlink()
    said = noria("data", "verify", "loans@1", "--json").data
    assert said["good"] is False
    assert "cannot be read" in said["batches"][0]["said"]


def test_all_of_it_works_from_another_folder_with_the_home_named(
    project: Path, noria: Noria, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert "there is no noria home here" in noria("data", "log").said
    monkeypatch.setenv("NORIA_HOME", str(project / ".noria"))
    assert [one["number"] for one in noria("data", "log", "--json").data] == [1, 2]
    assert noria("data", "verify", "loans@1").code == 0
    assert noria("data", "compare", "loans@1", "loans@2").code == 0


def test_a_version_that_was_not_validated_yet_is_diffed_and_compared_too(mine: Path, noria: Noria) -> None:
    first = noria("data", "show", "loans@1", "--json").data["batches"][0]["id"]
    made = noria("data", "quarantine", "loans", first, "--reason", "a faulty sensor", "--json").data["version"]
    assert (made["number"], made["rows"], made["verdict"]) == (3, 300, None)
    assert "Verdict: not validated yet." in noria("data", "show", "loans").out
    found = noria("data", "diff", "loans@2", "loans@3", "--json").data
    assert (found["rows_gone"], found["batches_gone"]) == (600, [first])
    assert found["labels_before"].keys() == found["labels_after"].keys() == {"no", "yes"}
    assert noria("data", "compare", "loans@2", "loans@3", "--json").data["rows"] == [900, 300]


def test_another_label_is_counted_from_the_rows(project: Path, noria: Noria) -> None:
    found = noria("data", "compare", "loans@1", "loans@2", "--label", "job", "--json").data
    assert {one["label"] for one in found["labels"]} == {"clerk", "nurse", "smith"}


def test_columns_that_came_and_went_are_in_the_difference(mine: Path, noria: Noria) -> None:
    rows = projects.rows(300, seed=9, first=200_000).with_columns(income=pl.lit(1.5))
    rows.write_csv(mine / "inbox" / "3.csv")
    noria("run", "lifecycle.py")
    assert noria("data", "diff", "loans@2", "loans@3", "--json").data["columns_added"] == {"income": "Float64"}
    assert "income Float64" in noria("data", "diff", "loans@3", "loans@2").out
    assert noria("data", "verify", "loans@3").code == 0
