"""What the user or the surroundings get wrong: one sentence, the right exit code, and nothing lost."""

import os
import resource
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import polars as pl
import pytest

import projects
from noria import settings
from noria.cli import main as cli
from noria.run.local import turn
from noria.run.place import open_place
from noria.store import datasets, engine, registry

MODEL = 'return LogisticRegression(C=params["C"])'
CLEAN = "return table.clip(0, LIMIT)"


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    file = projects.write(tmp_path / "project", count=400)
    monkeypatch.chdir(file.parent)
    return file.parent


@pytest.fixture
def said(capsys: pytest.CaptureFixture[str]) -> Callable[[], tuple[int, str]]:
    """Runs the project's lifecycle by the command line; exit code and the sentence."""

    def run() -> tuple[int, str]:
        code = cli.main(["run", "lifecycle.py"])
        return code, capsys.readouterr().err.strip()

    return run


def frame(project: Path, change: Callable[[pl.DataFrame], pl.DataFrame]) -> None:
    file = project / "inbox" / "1.csv"
    change(pl.read_csv(file)).write_csv(file)


def text(project: Path, change: Callable[[str], str]) -> None:
    file = project / "inbox" / "1.csv"
    file.write_text(change(file.read_text()))


def code(file: str, before: str, after: str) -> Callable[[Path], None]:
    return lambda project: projects.change(project / file, before, after)


MISTAKES: dict[str, tuple[Callable[[Path], object], list[str]]] = {
    "no file": (lambda p: (p / "inbox/1.csv").unlink(), ["there are no data yet", "inbox/*.csv"]),
    "an empty file": (lambda p: (p / "inbox/1.csv").write_text(""), ["1.csv", "empty"]),
    "a header only": (lambda p: text(p, lambda t: t.splitlines()[0] + "\n"), ["1.csv", "no rows"]),
    "a row too long": (lambda p: text(p, lambda t: t + "1,2,3,4,5,6,7\n"), ["1.csv", "line 402", "7 fields"]),
    "a row too short": (lambda p: text(p, lambda t: t + "1,2\n"), ["1.csv", "line 402", "2 fields"]),
    "an open quote": (lambda p: text(p, lambda t: t + 'a,"3,4\n'), ["1.csv", "line 402"]),
    "no text at all": (lambda p: (p / "inbox/1.csv").write_bytes(bytes(range(256)) * 9), ["1.csv", "not readable"]),
    "no label column": (lambda p: frame(p, lambda f: f.drop("approved")), ["no column 'approved'", "1.csv"]),
    "a label of one class": (
        lambda p: frame(p, lambda f: f.with_columns(approved=pl.lit("yes"))), ["'approved'", "only the value 'yes'"]
    ),
    "a label that is missing in some rows": (
        lambda p: frame(p, lambda f: f.with_columns(
            approved=pl.when(pl.int_range(pl.len()) >= 50).then("approved"))), ["50 rows have no label"]
    ),
    "a column twice": (lambda p: text(p, lambda t: t.replace("amount", "age", 1)), ["1.csv", "age", "twice"]),
    "text among numbers": (lambda p: text(p, lambda t: t + "z,forty,1,clerk,f,yes\n"), ["age", "forty"]),
    "no row in a split": (lambda p: frame(p, lambda f: f.head(3)), ["split has no rows"]),
    "a function that raises": (code("lifecycle.py", MODEL, 'raise ValueError("boo")'), ["boo", "lifecycle.py, line"]),
    "a model that is none": (code("lifecycle.py", MODEL, "return 5"), ["returned int", "fit and predict"]),
    "a transformer that is none": (
        code("lifecycle.py", "    return ColumnTransformer", "    return 3\n    return ColumnTransformer"),
        ["features returned int"],
    ),
    "a transformer that loses rows": (code("features.py", CLEAN, CLEAN + ".iloc[:5]"), ["size 5", "preprocess"]),
    "features that are not numbers": (code("features.py", CLEAN, 'return table * float("nan")'), ["NaN"]),
    "a file with a syntax error": (lambda p: (p / "lifecycle.py").write_text("x = (\n"), ["lifecycle.py:1", "closed"]),
    "a file that is not there": (lambda p: (p / "lifecycle.py").unlink(), ["no such file", "lifecycle.py"]),
    "a protected column that is not there": (code("lifecycle.py", '["sex"]', '["sexx"]'), ["'sexx'", "sex"]),
    "a positive label that does not occur": (code("lifecycle.py", 'positive="yes"', 'positive="si"'), ["'si'", "yes"]),
    "a metric that nobody knows": (code("lifecycle.py", '"roc_auc")', '"rocauc")'), ["'rocauc'", "roc_auc"]),
    "a slice by no column": (code("lifecycle.py", '["job"],', '["jobb"],'), ["'jobb'", "job"]),
    "an option that nobody knows": (
        code("lifecycle.py", "label_shift=", "labelshift="), ["labelshift", "lifecycle.py:14"]
    ),
    "a home that is a file": (lambda p: (p / ".noria").write_text("x"), [".noria", "NORIA_HOME"]),
    "no database's URL": (lambda p: (p / "noria.toml").write_text('db = "nonsense"'), ["'nonsense'", "NORIA_DB"]),
    "settings that cannot be read": (lambda p: (p / "noria.toml").write_text("db = "), ["noria.toml"]),
}  # fmt: skip


@pytest.mark.parametrize("case", MISTAKES)
@pytest.mark.filterwarnings("ignore::RuntimeWarning")  # scikit-learn's, about the numbers that are none
def test_a_mistake_is_one_sentence_and_mending_it_goes_on(
    project: Path, said: Callable[[], tuple[int, str]], case: str
) -> None:
    kept = {path: path.read_bytes() for path in project.rglob("*") if path.is_file()}
    spoil, expected = MISTAKES[case]
    spoil(project)
    exit_code, sentence = said()
    assert exit_code == 2
    assert sentence.startswith("noria: ")
    assert len(sentence.splitlines()) == 1
    assert [word for word in expected if word not in sentence] == []
    for path in [project / ".noria", project / "noria.toml"]:
        if path.is_file():
            path.unlink()
    for path, content in kept.items():
        path.write_bytes(content)
    assert said()[0] == 0
    place = open_place(settings.load(project, environ={}))
    with place.store.read() as c:
        assert datasets.versions(c, "loans")[-1].rows == 400
        assert registry.champion(c, "loans") is not None


def test_a_bad_file_leaves_what_was_there(project: Path, said: Callable[[], tuple[int, str]]) -> None:
    place = open_place(settings.load(project, environ={}))
    turn(place, project / "lifecycle.py")
    (project / "inbox" / "2.csv").write_text("applicant,age\n1\n")
    assert said()[0] == 2
    with place.store.read() as c:
        assert len(datasets.batches(c, "loans")) == 1
        assert [one.number for one in datasets.versions(c, "loans")] == [1]
        assert registry.aliases(c, "loans") == {"champion": 1}


def test_a_damaged_database_is_a_failure_and_is_not_touched(project: Path, said: Callable[[], tuple[int, str]]) -> None:
    (project / ".noria").mkdir()
    (project / ".noria" / "noria.db").write_bytes(b"garbage" * 1000)
    exit_code, sentence = said()
    assert exit_code == 1
    assert "damaged" in sentence
    assert (project / ".noria" / "noria.db").read_bytes() == b"garbage" * 1000


def test_a_database_that_another_process_holds_is_a_failure(
    project: Path, said: Callable[[], tuple[int, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    place = open_place(settings.load(project, environ={}))
    place.store.close()
    monkeypatch.setattr(engine, "BUSY_MS", 100)
    with closing(sqlite3.connect(project / ".noria" / "noria.db", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        exit_code, sentence = said()
        other.execute("ROLLBACK")
    assert exit_code == 1
    assert "locked" in sentence
    assert said()[0] == 0


def test_a_home_that_may_not_be_written_is_a_mistake(
    project: Path, said: Callable[[], tuple[int, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NORIA_HOME", "/proc/noria")  # nobody may make a folder there, root neither
    exit_code, sentence = said()
    assert exit_code == 2
    assert "NORIA_HOME" in sentence


@pytest.mark.system
@pytest.mark.parametrize("room", [8, 100, 250])
def test_a_full_disk_is_a_failure_and_room_lets_it_go_on(project: Path, room: int) -> None:
    """Every file may grow to so many KiB: writes beyond fail as on a full disk."""
    command = [sys.executable, "-m", "noria.cli.main", "run", "lifecycle.py"]
    done = subprocess.run(
        command,
        capture_output=True,
        text=True,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (room * 1024,) * 2),
        env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"},  # half a file of bytecode would fail every later process
    )
    assert done.returncode == 1
    assert [line for line in done.stderr.splitlines() if line.startswith("noria: ")]
    assert "Traceback" not in done.stderr
    again = subprocess.run(command, capture_output=True, text=True)
    assert again.returncode == 0, again.stderr
    place = open_place(settings.load(project, environ={}))
    with place.store.read() as c:
        assert registry.aliases(c, "loans") == {"champion": 1}
