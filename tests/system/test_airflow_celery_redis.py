"""Real Airflow with Celery workers: from an asset event to a served model, whatever is killed on the way."""

import json
import os
import signal
import sys
from collections.abc import Iterator
from urllib.parse import quote

import pytest

from airflow.celery import KILLED, Stack, kill, parent, stack, wait_until
from serve.live import ROW, Live, until

pytestmark = [pytest.mark.system, pytest.mark.stack, pytest.mark.timeout(1800)]


@pytest.fixture(scope="module")
def redis() -> Iterator[Stack]:
    """Two workers, two schedulers, and for each of two pools a worker of its own."""
    options = ("--workers", "2", "--slots", "3", "--schedulers", "2", "--pool", "fragile=1", "--pool", "doomed=1")
    with stack("redis", *options) as found:
        yield found


CASES = dict(zip(KILLED, ("step", "runner", "supervisor", "main", "worker"), strict=True))
POOLS = {"Celery's main process": "fragile", "the whole worker": "doomed"}


def test_whatever_is_killed_at_a_step_in_mid_work_the_run_ends_as_if_nothing_had_happened(redis: Stack) -> None:
    """Five lifecycles at once, each loses another process while it preprocesses: they wait for Airflow side by side."""
    first, runs = {}, {}
    for case, name in CASES.items():
        redis.lifecycle(name, POOLS.get(case, "default"))
        redis.hold(name)
    for name in CASES.values():
        redis.api.unpause(name)
        runs[name] = redis.begin(name)
    for case, name in CASES.items():
        first[name] = redis.at_work(name)
        redis.kill(case, name, first[name])
    for name in CASES.values():
        again = redis.at_work(name, besides=[first[name]])
        assert parent(again)
        assert not parent(first[name]), f"{name}: the old try works on beside the new one"
        redis.release(name)
    for name, run in runs.items():
        assert redis.api.wait(name, run) == "success", redis.api.states(name, run)
        redis.must_be_committed_once(name)
        assert redis.attempts(name) >= 2


def test_an_event_becomes_a_served_model_and_the_same_event_twice_is_one_turn(
    redis: Stack, monkeypatch: pytest.MonkeyPatch
) -> None:
    redis.lifecycle("served")
    redis.api.unpause("served")
    runs = [redis.begin("served"), redis.begin("served")]
    assert [redis.api.wait("served", run) for run in runs] == ["success", "success"]
    redis.must_be_committed_once("served")  # although Airflow ran twice, on two schedulers
    monkeypatch.setattr("serve.live.PATIENCE_S", 300.0)  # a dozen processes of Airflow are beside it
    with Live(redis.project) as server:
        until(lambda: server.http.get("/v2/models/served/ready").status_code == 200, "the model to be served")
        answer = server.http.post("/v2/models/served/predict", json={"rows": [ROW]})
        assert answer.status_code == 200, answer.text


def test_the_sweep_turns_a_version_whose_event_was_lost_once(redis: Stack) -> None:
    redis.lifecycle("swept", "default", "--sweep", "@yearly")
    said = redis.noria("data", "collect", "swept.py", "--json", environ={"NORIA_AIRFLOW": "http://127.0.0.1:1"})
    assert json.loads(said)["new"]
    for dag in ("swept", "swept_sweep"):
        redis.api.unpause(dag)
    assert redis.api.wait("swept_sweep", redis.api.trigger("swept_sweep")) == "success"
    run = redis.api.run("swept", 1)
    assert redis.api.wait("swept", run) == "success", redis.api.states("swept", run)
    assert redis.records("select because from orchestrated where dag_run = %s", run) == [("asset_triggered",)]
    again = redis.api.trigger("swept_sweep")
    redis.api.wait("swept_sweep", again)
    assert redis.api.states("swept_sweep", again) == {"sweep": "skipped"}
    found = redis.records("select trigger, state from run where lifecycle = 'swept' order by number")
    assert found == [("collect", "done"), ("airflow", "done")]
    assert redis.records("select count(*) from model_version where model = 'swept'") == [(1,)]
    assert redis.records("select count(*) from dataset_version where dataset = 'swept'") == [(1,)]


def test_a_run_that_is_deleted_in_airflow_ends_and_the_next_one_turns_what_it_left(redis: Stack) -> None:
    redis.lifecycle("deleted")
    redis.hold("deleted")
    redis.api.unpause("deleted")
    run = redis.begin("deleted")
    step = redis.at_work("deleted")
    path = f"/api/v2/dags/deleted/dagRuns/{quote(run)}"
    redis.api.ask("PATCH", path, {"state": "failed"})  # Airflow deletes no run that is under way
    redis.api.ask("DELETE", path)
    wait_until(lambda: not parent(step), "the step of a run that is no more to end")
    redis.release("deleted")
    again = redis.api.trigger("deleted")
    assert redis.api.wait("deleted", again) == "success", redis.api.states("deleted", again)
    ended = dict(redis.records("select state, message from run where lifecycle = 'deleted'"))
    assert ended == {"failed": f"Airflow's {run} is gone, and another run began", "done": None}
    assert redis.records("select count(*) from model_version where model = 'deleted'") == [(1,)]
    assert redis.records("select count(*) from dataset_version where dataset = 'deleted'") == [(1,)]


def test_a_worker_that_cannot_reach_the_store_says_so_and_leaves_nothing(redis: Stack) -> None:
    nowhere = "postgresql+psycopg://noria:secret@127.0.0.1:1/noria"
    command = f"env NORIA_DB={nowhere} {sys.executable} -m noria.cli.main"
    redis.lifecycle("lost", "default", "--command", command, "--retries", "0", "--schedule", "hand")
    redis.api.unpause("lost")
    run = redis.api.trigger("lost")
    assert redis.api.wait("lost", run) == "failed"
    states = redis.api.states("lost", run)
    assert (states["begin"], states["collect"]) == ("failed", "upstream_failed")
    said = redis.api.log("lost", run, "begin")
    assert "127.0.0.1:1" in said
    assert "secret" not in said
    assert redis.records("select count(*) from run where lifecycle = 'lost'") == [(0,)]


def test_broker_database_and_a_scheduler_may_go_away_in_mid_run(redis: Stack) -> None:
    redis.lifecycle("shaken")
    redis.hold("shaken")
    redis.api.unpause("shaken")
    run = redis.begin("shaken")
    redis.at_work("shaken")
    for part, sign in (("redis", signal.SIGTERM), ("postgres", signal.SIGINT), ("scheduler", signal.SIGKILL)):
        before = redis.pid(part)
        os.kill(before, sign)
        wait_until(lambda part=part, before=before: redis.pid(part) != before, f"{part} to be started again")
    redis.release("shaken")
    assert redis.api.wait("shaken", run) == "success", redis.api.states("shaken", run)
    redis.must_be_committed_once("shaken")


def test_a_stack_that_is_started_twice_is_one_and_one_whose_keeper_was_killed_heals(redis: Stack) -> None:
    state = json.loads((redis.home / "airflow" / "state.json").read_text())
    pids = {name: one["pid"] for name, one in state["parts"].items()}
    kill(state["keeper"]["pid"], pids["triggerer"])
    words = ("--executor", "celery", "--broker", "redis", "--workers", "2", "--slots", "3", "--schedulers", "2")
    again = json.loads(redis.noria("airflow", "up", *words, "--pool", "fragile=1", "--pool", "doomed=1", "--json"))
    now = {one["name"]: one["pid"] for one in again["parts"]}
    assert {name for name in pids if now[name] != pids[name]} == {"triggerer"}
    settings = json.loads(redis.noria("doctor", "--airflow", "--json"))["settings"]
    assert [one["option"] for one in settings if one["wrong"]] == []
