"""Real Airflow with the LocalExecutor: a lifecycle turns from an asset event over REST to a model that answers."""

import contextlib
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import httpx
import pytest

import projects
from airflow.local import stack
from airflow.rest import Api, Refused
from collectors import collector
from noria import settings
from noria.airflow.exported import run_id
from noria.cli.main import main
from noria.compile import NEEDS
from noria.demo import waves
from noria.demo.server import Server
from noria.demo.story import LIFECYCLE
from noria.plan import dataset_uri
from noria.run.place import Place, open_place
from noria.store import orchestrated, registry, runs

pytestmark = [pytest.mark.system, pytest.mark.stack, pytest.mark.timeout(1800)]
INCOME = dataset_uri("income")
CHAIN = ["begin", *NEEDS, "end"]
PARTS = {"preprocess_parts[0]", "preprocess_parts[1]", "tune_trials[0]", "tune_trials[1]"}
ASKS_A_PERSON = 'gates=[nr.at_least("roc_auc", 0.6)], approval="person"'


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The demo's lifecycle and the small one of the tests, side by side in one noria home, both exported."""
    folder = tmp_path_factory.mktemp("airflow")
    (folder / "demo" / "inbox").mkdir(parents=True)
    (folder / "noria.toml").write_text('actor = "tester"\n')
    (folder / "demo" / "lifecycle.py").write_text(LIFECYCLE.read_text())
    loans = projects.write(folder / "loans")
    projects.change(loans, 'gates=[nr.at_least("roc_auc", 0.6)]', ASKS_A_PERSON)
    projects.change(loans, 'sampler="grid", ', 'sampler="grid", workers=2, ')  # two workers search together
    projects.change(loans, "    release=", '    resources={"preprocess": nr.Resources(parts=2)},\n    release=')
    dags = folder / ".noria" / "airflow" / "dags"
    dags.mkdir(parents=True)
    for file in (folder / "demo" / "lifecycle.py", loans):
        assert main(["airflow", "export", str(file), "--dags-folder", str(dags), "--sweep", "never"]) == 0
    return folder


@pytest.fixture(scope="module")
def alarm() -> Iterator[tuple[str, list[dict[str, str]]]]:
    """Where the data scientist is told of alerts, and what came there."""
    with collector() as found:
        yield found


@pytest.fixture(scope="module")
def airflow(project: Path, alarm: tuple[str, list[dict[str, str]]]) -> Iterator[Api]:
    with stack(project, 3, {"NORIA_ALERTS": alarm[0]}) as running:
        yield running


@pytest.fixture
def place(project: Path) -> Iterator[Place]:
    opened = open_place(settings.load(project, environ={}))
    yield opened
    opened.store.close()


def ours(place: Place, dag: str, run: str) -> runs.Run:
    """The noria run that an Airflow run turned."""
    with place.store.read() as c:
        found = runs.get(c, run_id(dag, dag, run))
        there = orchestrated.of_run(c, found.id)
    assert there is not None
    assert (there.dag_id, there.dag_run) == (dag, run)
    return found


def test_an_event_turns_the_demo_s_lifecycle_once_and_its_model_answers(
    airflow: Api, project: Path, place: Place, alarm: tuple[str, list[dict[str, str]]]
) -> None:
    _, told = alarm
    people, inbox = waves.people(), project / "demo" / "inbox"
    airflow.unpause("income")
    waves.first(people).write_parquet(inbox / "wave-1.parquet")
    airflow.event(INCOME, {"rows": 16_000})
    first = airflow.run("income", 1)
    assert airflow.wait("income", first) == "success", airflow.states("income", first)
    assert airflow.states("income", first) == dict.fromkeys(CHAIN, "success")
    assert ours(place, "income", first).state == "done"
    server = Server(project)
    try:
        row = {name: value for name, value in waves.live(people).row(0, named=True).items() if name != "income"}
        said = httpx.post(f"{server.url}/v2/models/income/predict", json={"rows": [row]}, timeout=60)
        assert said.status_code == 200, said.text
    finally:
        server.stop()

    airflow.event(INCOME, {"twice": True})  # delivered twice
    second = airflow.run("income", 2)
    airflow.wait("income", second)
    assert set(airflow.states("income", second).values()) == {"skipped"}
    assert "has taken what there is to do" in airflow.log("income", second, "begin")

    waves.second(people).write_parquet(inbox / "wave-2.parquet")  # half of them earn more: a quarter did before
    airflow.event(INCOME)
    third = airflow.run("income", 3)
    assert airflow.wait("income", third) == "failed"
    states = airflow.states("income", third)
    assert (states["validate"], states["preprocess"]) == ("failed", "upstream_failed")
    assert airflow.tasks("income", third)["validate"]["try_number"] == 1
    assert "label" in airflow.log("income", third, "validate")
    assert ours(place, "income", third).state == "stopped"
    assert "share of label" in told[-1]["title"]

    (inbox / "wave-3.parquet").write_bytes(b"PAR1 and then nothing of the kind PAR1")
    fourth = airflow.trigger("income")
    assert airflow.wait("income", fourth) == "failed"
    collect = airflow.tasks("income", fourth)["collect"]
    assert (collect["state"], collect["try_number"]) == ("failed", 1)
    assert "wave-3.parquet" in airflow.log("income", fourth, "collect")
    assert ours(place, "income", fourth).state == "failed"
    assert told[-1]["title"].startswith("noria income: run 3 of income failed: collect: ")  # the second never began
    assert "wave-3.parquet" in told[-1]["message"]

    (inbox / "wave-3.parquet").unlink()  # mended: the task is cleared in Airflow's page, and what follows it
    waves.live(people).sample(200, seed=1).write_parquet(inbox / "wave-4.parquet")
    body = {"dry_run": False, "dag_run_id": first, "task_ids": ["deploy"], "include_downstream": True}
    airflow.ask("POST", "/api/v2/dags/income/clearTaskInstances", {**body, "only_failed": False})
    assert airflow.wait("income", first) == "success"
    assert ours(place, "income", first).state == "done"
    with place.store.read() as c:
        assert [one.number for one in registry.versions(c, "income")] == [1]


def test_a_dag_file_for_a_plan_of_a_newer_noria_says_so_where_airflow_shows_its_faults(
    airflow: Api, project: Path
) -> None:
    dags = project / ".noria" / "airflow" / "dags"
    newer, file = json.loads((dags / "noria_loans.json").read_text()), dags / "noria_newer.py"
    newer["plan"]["format"] += 1
    file.with_suffix(".json").write_text(json.dumps(newer))
    file.write_text((dags / "noria_loans.py").read_text().replace("loans", "newer"))
    [wrong] = airflow.until(lambda: airflow.import_errors("newer"), "Airflow to read the file")
    assert f"the plan has format {newer['plan']['format']}" in wrong["stack_trace"]
    assert "upgrade noria" in wrong["stack_trace"]
    file.unlink()  # else it is a fault of every test that comes
    airflow.until(lambda: not airflow.import_errors("newer"), "Airflow to forget the file")


def test_a_person_decides_in_airflow_and_noria_keeps_who_and_why(airflow: Api, project: Path, place: Place) -> None:
    airflow.unpause("loans")
    reviewer = Api.of(project / ".noria", airflow.url, "reviewer")
    answers = [("Reject", "too few nurses", "rejected", 0), ("Approve", "looks right", "done", 1)]
    for number, (answer, why, state, released) in enumerate(answers, 1):
        assert deliver(airflow, project / "loans").startswith(f"loans@{number}: ")
        run = answered(
            airflow, reviewer, "loans", number, {"chosen_options": [answer], "params_input": {"reason": why}}
        )
        states = airflow.states("loans", run)
        assert states["approval"] == "success"
        assert {name for name in states if "[" in name} == PARTS
        assert {states["decision"], states["deploy"]} == ({"success"} if released else {"skipped"})
        found = ours(place, "loans", run)
        assert found.state == state
        with place.store.read() as c:
            decided = registry.releases(c, "loans")[-1]
            assert len(registry.versions(c, "loans")) == released
        assert (decided.decided_by, decided.reason) == ("reviewer", why)
        projects.arrive(project / "loans", str(number + 1))


def deliver(airflow: Api, folder: Path) -> str:
    """What arrived becomes a version outside of Airflow, which hears of it: what the command says."""
    login = folder.parent / ".noria" / "airflow" / "login"
    done = subprocess.run(
        [sys.executable, "-m", "noria.cli.main", "data", "collect", "lifecycle.py"],
        cwd=folder, capture_output=True, text=True, check=True,
        env={**os.environ, "NORIA_AIRFLOW": airflow.url, "NORIA_AIRFLOW_LOGIN": str(login)},
    )  # fmt: skip
    assert done.stderr == ""
    return done.stdout


def answered(airflow: Api, reviewer: Api, dag: str, number: int, answer: dict[str, object]) -> str:
    """The run of that number once it has ended well, its question answered as often as it is asked.

    Airflow 3.3.2 asks again if the answer comes before its executor has told that the question was asked: it takes the
    task that goes on for one that was killed.
    """
    run = airflow.run(dag, number)

    def ended() -> bool:
        if airflow.states(dag, run).get("approval") == "awaiting_input":
            with contextlib.suppress(Refused):  # it was answered a moment ago
                path = f"/api/v2/dags/{dag}/dagRuns/{quote(run)}/taskInstances/approval/-1/hitlDetails"
                reviewer.ask("PATCH", path, answer)
        return bool(airflow.runs(dag)[number - 1]["state"] == "success")

    airflow.until(ended, f"run {number} of {dag} to end well", told=lambda: str(airflow.states(dag, run)))
    return run
