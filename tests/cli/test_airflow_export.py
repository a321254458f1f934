"""noria airflow export, remove, begin, step, end: what is typed, written and said."""

import json
import stat
from pathlib import Path

import pytest

from noria.airflow import exported
from noria.digest import Digest
from noria.plan import Plan
from noria.store import orchestrated, runs

from .conftest import Noria, place_of


@pytest.fixture
def dags(tmp_path: Path) -> Path:
    folder = tmp_path / "dags"
    folder.mkdir()
    return folder


def test_it_writes_the_plan_the_bundle_and_a_dag_file_and_nothing_again_where_nothing_changed(
    mine: Path, noria: Noria, dags: Path
) -> None:
    said = noria("airflow", "export", "lifecycle.py", "--dags-folder", dags, "--json").data
    assert (said["dag"], said["changed"]) == ("loans", True)
    assert sorted(file.name for file in dags.iterdir()) == ["noria_loans.json", "noria_loans.py"]
    text = (dags / "noria_loans.py").read_text()
    assert "airflow" in text  # or Airflow's safe mode would pass the file over
    assert "dag" in text
    assert len(text.splitlines()) < 10
    found = exported.read(dags / "noria_loans.json")
    place = place_of(mine)
    assert Plan.from_json(place.artifacts.get(Digest(found.digest)).decode()) == found.plan
    assert place.artifacts.has(Digest(found.plan.bundle))
    with place.store.read() as c:
        assert orchestrated.exports(c) == [("loans", found.digest, found.plan.bundle)]
    place.store.close()
    before = {file.name: file.stat().st_mtime_ns for file in dags.iterdir()}
    assert noria("airflow", "export", "lifecycle.py", "--dags-folder", dags).out.startswith("Nothing changed: ")
    assert {file.name: file.stat().st_mtime_ns for file in dags.iterdir()} == before


def test_a_password_stays_out_of_the_dag(mine: Path, noria: Noria, dags: Path, postgres_url: str) -> None:
    secret = postgres_url.replace("noria@", "noria:sesame@")
    (mine / "noria.toml").write_text(f'db = "{secret}"\n')
    said = noria("airflow", "export", "lifecycle.py", "--dags-folder", dags).out
    assert "Workers need NORIA_DB in their environment" in said
    assert "sesame" not in "".join(file.read_text() for file in dags.iterdir())


def test_what_was_exported_can_be_removed_and_only_that(mine: Path, noria: Noria, dags: Path) -> None:
    noria("airflow", "export", "lifecycle.py", "--dags-folder", dags)
    assert noria("airflow", "remove", "loan", "--dags-folder", dags).said == (
        f"no exported lifecycle loan ({dags}). Did you mean loans?"
    )
    assert noria("airflow", "remove", "loans", "--dags-folder", dags).code == 0
    assert list(dags.iterdir()) == []
    (dags / "noria_other.py").write_text("dag = None  # somebody's own")
    assert "this file is not noria's" in noria("airflow", "remove", "other", "--dags-folder", dags).said


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["nothing.py"], "there is no such file ("),
        (["features.py"], "the file declares no lifecycle ("),
        (["lifecycle.py", "--executor", "slurm"], "'slurm' is not known (--executor). Use local, celery, kubernetes."),
        (["lifecycle.py", "--schedule", "monthly"], "'monthly' is no time (--schedule). Write for example"),
        (["lifecycle.py", "--schedule", "@daily", "--schedule", "@hourly"], "2 times (--schedule). Give one cron"),
        (["lifecycle.py", "--place", "train"], "'train' is no pair (--place). Write for example train=kubernetes."),
        (["lifecycle.py", "--place", "fly=local"], "'fly' is not known (--place). Use collect, validate,"),
        (["lifecycle.py", "--gates", "explode"], "'explode' is not known (--gates). Use fail, skip."),
    ],
    ids=" ".join,
)
def test_a_mistake_is_one_sentence_and_writes_nothing(
    mine: Path, noria: Noria, dags: Path, words: list[str], said: str
) -> None:
    ended = noria("airflow", "export", *words, "--dags-folder", dags)
    assert ended.code == 2
    assert ended.said.startswith(said)
    assert list(dags.iterdir()) == []


def test_a_folder_that_cannot_be_written_is_said(mine: Path, noria: Noria, tmp_path: Path) -> None:
    ended = noria("airflow", "export", "lifecycle.py", "--dags-folder", tmp_path / "nowhere")
    assert ended.code == 2
    assert ended.said.startswith("the DAG cannot be written: No such file or directory (")


def test_a_dag_file_is_never_half_written(
    mine: Path, noria: Noria, dags: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    noria("airflow", "export", "lifecycle.py", "--dags-folder", dags)
    before = (dags / "noria_loans.json").read_text()

    def full(self: Path, text: str) -> int:
        with self.open("w") as file:
            file.write(text[:100])
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_text", full)
    ended = noria("airflow", "export", "lifecycle.py", "--dags-folder", dags, "--gates", "skip")
    assert "No space left on device" in ended.said
    assert (dags / "noria_loans.json").read_text() == before


def test_the_commands_of_the_tasks_turn_a_run_and_say_what_it_came_to(mine: Path, noria: Noria, dags: Path) -> None:
    digest = noria("airflow", "export", "lifecycle.py", "--dags-folder", dags, "--json").data["plan"]
    words = ["airflow", "begin", digest, "--dag", "loans", "--run", "manual__1"]
    begun = noria(*words, "--because", "DagRunType.MANUAL", "--json").data
    assert begun == {"run": exported.run_id("loans", "loans", "manual__1"), "number": 3, "state": "running"}
    ended = noria("airflow", "end", begun["run"])
    assert (ended.code, ended.said) == (
        2,
        f"run {begun['run']} failed: collect: it is waiting (loans). Mend it, then clear the failed task.",
    )
    twice = noria("airflow", "begin", digest, "--dag", "loans", "--run", "event__1", "--because", "asset_triggered")
    assert (twice.code, twice.said[:40]) == (6, f"run {begun['run']} has"[:40])
    assert noria("airflow", "sweep", digest).code == 6
    assert noria("airflow", "end", "loans-none").code == 6
    mistake = noria(*words[:-1], "manual__2", "--conf", json.dumps({"colour": 1}))
    assert mistake.said == "unknown colour (the run's configuration). Known are remedy and reason."
    assert noria("airflow", "decide", begun["run"], "--answer", "yes").said.startswith("'yes' is no answer (--answer).")
    place = place_of(mine)
    with place.store.read() as c:
        assert runs.get(c, begun["run"]).trigger == "airflow"
    place.store.close()


def test_the_files_can_be_read_by_airflows_account(mine: Path, noria: Noria, dags: Path) -> None:
    noria("airflow", "export", "lifecycle.py", "--dags-folder", dags)
    assert all(stat.S_IMODE(file.stat().st_mode) & 0o444 == 0o444 for file in dags.iterdir())
