"""What new rows must be like, as a file: written, read back, edited, and wrong in every way people write it."""

import json
from pathlib import Path
from typing import Any

import polars as pl
import pytest
import tomli_w
from hypothesis import given
from hypothesis import strategies as st

import projects
from noria import settings
from noria.cli.main import main
from noria.data.profile import profile
from noria.data.schema import Schema
from noria.errors import BadLifecycle
from noria.run import bundle
from noria.run.local import Turn, turn
from noria.run.place import bundle_of, open_place
from noria.validate import schema_file
from noria.validate.anomalies import against_schema
from noria.validate.config import Validate
from noria.validate.expected import Expected, infer, of_json
from noria.validate.repeats import twice

SCHEMA = Schema(label="approved", subject="applicant")
ROWS = projects.rows(400)
HEAD = '[columns.age]\nkind = "number"\n'


def read(folder: Path, text: str) -> dict[str, Expected]:
    path = folder / "loans.schema.toml"
    path.write_text(text)
    return schema_file.read(path)


def test_what_is_inferred_and_written_lets_the_same_rows_pass(tmp_path: Path) -> None:
    found = profile(ROWS, SCHEMA)
    again = read(tmp_path, schema_file.written(infer(found), "loans", "loans@1"))
    assert list(again) == ROWS.columns
    assert list(against_schema(again, found)) == []
    assert again["job"].categories == ["clerk", "nurse", "smith"]
    assert again["age"].kind == "number"
    assert 0.03 <= again["age"].missing <= 0.04


@given(
    st.dictionaries(
        st.text(min_size=1),
        st.builds(
            Expected,
            kind=st.sampled_from(["category", None]),
            required=st.booleans(),
            missing=st.integers(0, 100).map(lambda n: n / 100),
            categories=st.none() | st.lists(st.text(), min_size=1, unique=True),
            unseen=st.integers(0, 1000).map(lambda n: n / 1000),
            unique=st.booleans(),
            severity=st.dictionaries(st.sampled_from(["range", "unseen"]), st.sampled_from(["pass", "block"])),
        ),
        min_size=1,
    )
)
def test_every_schema_reads_back_as_it_was_written(tmp_path_factory: Any, columns: dict[str, Expected]) -> None:
    path = tmp_path_factory.getbasetemp() / "again.toml"
    path.write_bytes(schema_file.written(columns, "loans", "rows").encode())
    shares = {name: one.unseen if one.categories is not None else 1.0 for name, one in columns.items()}
    want = {name: {**one.to_json(), "unseen": shares[name]} for name, one in columns.items()}
    assert {name: {**one.to_json(), "unseen": one.unseen} for name, one in schema_file.read(path).items()} == want


def test_what_was_kept_reads_back_and_so_does_what_earlier_versions_kept() -> None:
    found = infer(profile(ROWS, SCHEMA))
    assert of_json(json.loads(json.dumps({name: one.to_json() for name, one in found.items()}))) == found
    old = {"kind": "number", "missing": 0.25, "low": 1, "high": 2, "least": 0, "most": 3}
    assert of_json({"age": old})["age"] == Expected("number", missing=0.35, usual=0.25, low=1, high=2, least=0, most=3)


def test_what_a_person_wrote_is_held_against_new_rows(tmp_path: Path) -> None:
    must = read(
        tmp_path,
        """
        format = 1
        [columns.applicant]
        unique = true
        [columns.age]
        least = 21
        missing = 0
        [columns.job]
        categories = ["clerk", "nurse"]
        [columns.hair]
        required = false
        [columns.shoe]
        """,
    )
    rows = pl.concat([ROWS, ROWS[:3]]).with_columns(age=pl.when(pl.int_range(403) == 5).then(None).otherwise("age"))
    now = profile(rows, SCHEMA)
    found = [*against_schema(must, now), *twice(must, None, now, rows)]
    said = {(one.rule, one.column): one.what for one in found if one.rule != "new"}
    assert said.keys() == {
        ("absent", "shoe"), ("missing", "age"), ("range", "age"), ("unseen", "job"), ("unique", "applicant"),
    }  # fmt: skip
    assert said["unique", "applicant"] == "6 rows have a value that others have too"
    assert said["missing", "age"] == "0% of its values are missing, at most 0% may be"
    assert said["unseen", "job"] == "unseen values: smith"
    [again] = twice(must, profile(ROWS, SCHEMA), profile(ROWS, SCHEMA), ROWS)
    assert again.what == "100.0% of the values were there before"


@pytest.mark.parametrize(
    ("text", "line", "says"),
    [
        (HEAD + "kind = \n", 3, "this is no TOML"),
        (HEAD + "mising = 0.1\n", 3, "Did you mean 'missing'?"),
        (HEAD + "missing = 10\n", 3, "Write a share from 0 to 1"),
        (HEAD + "least = 'low'\n", 3, "Write a number"),
        (HEAD + "least = 5\nmost = 1\n", 3, "least 5 is above most 1"),
        (HEAD + "categories = ['a']\n", 3, "categories says nothing of a number"),
        (HEAD + "[columns.age.severity]\nragne = 'block'\n", 4, "Did you mean 'range'?"),
        (HEAD + "severity = { range = 'stop' }\n", 3, "Use 'pass', 'warn' or 'block'"),
        ("[columns.age]\nkind = 'int'\n", 2, "Write one of number, category"),
        ("[columns.'the age']\nunique = 1\n", 2, "Write true or false"),
        ("[columns.job]\ncategories = [1, 2]\n", 2, "a list of texts"),
        ("[columns.job]\ncategories = ['a', 'a']\n", 2, "each once"),
        ("[columns.job]\nunseen = 0.1\n", 2, "unseen stands without categories"),
        ("[age]\nkind = 'number'\n", None, "Write [columns.age]"),
        ("format = 2\n" + HEAD, 1, "format 2 is not known"),
        ("format = 1\n", None, "it names no column"),
        ("", None, "it names no column"),
    ],
)
def test_a_mistake_is_one_sentence_with_its_line(tmp_path: Path, text: str, line: int | None, says: str) -> None:
    with pytest.raises(BadLifecycle) as caught:
        read(tmp_path, text)
    assert says in str(caught.value)
    if line is not None:
        assert f":{line}" in caught.value.where or f"line {line}" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_file_that_is_not_there_or_not_beside_the_lifecycle_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadLifecycle, match="noria data schema DATASET --write loans"):
        schema_file.read(tmp_path / "loans.schema.toml")
    for wrong in ("/etc/loans.toml", "../loans.toml"):
        with pytest.raises(BadLifecycle, match="does not lie beside"):
            Validate(expect=wrong)


def test_a_project_writes_its_schema_holds_new_rows_against_it_and_says_when_it_changed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    file = projects.write(tmp_path / "project")
    monkeypatch.chdir(file.parent)
    place = open_place(settings.load(file.parent, environ={}))
    turn(place, file)
    path = file.parent / "loans.schema.toml"
    assert main(["data", "schema", "loans", "--write", path.name]) == 0
    assert main(["data", "schema", "loans", "--write", path.name]) == 2
    capsys.readouterr()
    assert main(["data", "schema", "loans@1"]) == 0
    assert capsys.readouterr().out == path.read_text()
    projects.change(file, "nr.Validate(label_shift=0.1)", 'nr.Validate(expect="loans.schema.toml")')
    assert _state(turn(place, file)) == ("done", "pass")
    raw = {"format": 1, "columns": {"job": {"categories": ["clerk"], "severity": {"unseen": "block"}}}}
    path.write_text(tomli_w.dumps(raw))
    projects.rows(300, seed=3, first=900_000).write_csv(file.parent / "inbox" / "2.csv")
    stopped = turn(place, file)
    assert _state(stopped) == ("blocked", "block")
    assert "job: unseen values: nurse, smith" in str(stopped.run.message)
    assert "file loans.schema.toml changed" in (stopped.step("validate").why or ())
    with place.store.read() as c:
        assert c is not None
    unpacked = bundle.unpack(bundle_of(place, stopped.run.plan.bundle), tmp_path / "worker")
    assert (unpacked / "loans.schema.toml").read_text() == path.read_text()
    path.write_text("[columns.job]\nkinds = 1\n")
    assert main(["run", file.name]) == 2
    assert "loans.schema.toml:2, column job" in capsys.readouterr().err


def _state(done: Turn) -> tuple[str, str]:
    step = done.step("validate")
    return step.state, str((step.facts or {})["verdict"])
