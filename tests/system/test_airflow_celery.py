"""Real Airflow with Celery workers: from an asset event to a served model, whatever is killed on the way."""

import os
import signal
import sys
from collections.abc import Iterator

import pytest

from airflow import mixed
from airflow.celery import KILLS, Stack, kill, parent, stack, wait_until
from serve.live import Live

pytestmark = [pytest.mark.system, pytest.mark.timeout(900)]
ON_REDIS = pytest.mark.xdist_group("airflow-redis")
ON_RABBITMQ = pytest.mark.xdist_group("airflow-rabbitmq")


@pytest.fixture(scope="module")
def redis() -> Iterator[Stack]:
    """Two workers, two schedulers, and for each of two pools a worker of its own."""
    options = ("--workers", "2", "--slots", "3", "--schedulers", "2", "--pool", "fragile=1", "--pool", "doomed=1")
    with stack("redis", *options) as found:
        yield found


@pytest.fixture(scope="module")
def rabbitmq() -> Iterator[Stack]:
    with stack("rabbitmq", "--workers", "2", "--slots", "2") as found:
        yield found


def committed_once(stack: Stack, name: str, *, runs: int = 1) -> None:
    """Every run of the lifecycle is done, each step once, and the last one's model is a version of its own."""
    assert stack.records("select state, count(*) from run where lifecycle = %s group by state", name) == [
        ("done", runs)
    ]
    rows = stack.records(
        "select r.id, s.step, count(*), min(s.state) from step_run s join run r on r.id = s.run_id"
        " where r.lifecycle = %s and s.shard = 0 group by r.id, s.step", name
    )  # fmt: skip
    assert {count for _, _, count, _ in rows} == {1}
    assert {state for _, _, _, state in rows} <= {"done", "reused"}
    assert stack.records("select count(*) from model_version where model = %s", name) == [(runs,)]
    assert stack.records("select count(*) from dataset_version where dataset = %s", name) == [(runs,)]


def attempts(stack: Stack, name: str) -> int:
    query = (
        "select max(attempt) from step_run s join run r on r.id = s.run_id where lifecycle = %s and step = 'preprocess'"
    )
    return int(stack.records(query, name)[0][0])


CASES = dict(zip(KILLS, ("step", "runner", "supervisor", "main", "worker"), strict=True))
POOLS = {"Celery's main process": "fragile", "the whole worker": "doomed"}


@ON_REDIS
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
        KILLS[case](first[name])
    for name in CASES.values():
        again = redis.at_work(name, besides=[first[name]])
        assert parent(again)
        assert not parent(first[name]), f"{name}: the old try works on beside the new one"
        redis.release(name)
    for name, run in runs.items():
        assert redis.api.wait(name, run) == "success", redis.api.tasks(name, run)
        committed_once(redis, name)
        assert attempts(redis, name) >= 2


@ON_REDIS
def test_an_event_becomes_a_served_model_and_the_same_event_twice_is_one_turn(redis: Stack) -> None:
    redis.lifecycle("served")
    redis.api.unpause("served")
    runs = [redis.begin("served"), redis.begin("served")]
    assert [redis.api.wait("served", run) for run in runs] == ["success", "success"]
    committed_once(redis, "served")  # although Airflow ran twice, on two schedulers
    with Live(redis.project) as server:
        answer = server.http.post("/v2/models/served/predict", json={"rows": [ROW]})
        assert answer.status_code == 200, answer.text


ROW = {"age": 40, "amount": 50.5, "job": "clerk", "sex": "f"}


@ON_REDIS
def test_a_worker_that_cannot_reach_the_store_says_so_and_leaves_nothing(redis: Stack) -> None:
    nowhere = "postgresql+psycopg://noria:secret@127.0.0.1:1/noria"
    command = f"env NORIA_DB={nowhere} {sys.executable} -m noria.cli.main"
    redis.lifecycle("lost", "default", "--command", command, "--retries", "0", "--schedule", "hand")
    redis.api.unpause("lost")
    run = redis.api.trigger("lost")
    assert redis.api.wait("lost", run) == "failed"
    states = {one["task_id"]: one["state"] for one in redis.api.tasks("lost", run)}
    assert (states["begin"], states["collect"]) == ("failed", "upstream_failed")
    said = redis.api.log("lost", run, "begin")
    assert "127.0.0.1:1" in said
    assert "secret" not in said
    assert redis.records("select count(*) from run where lifecycle = 'lost'") == [(0,)]


@ON_REDIS
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
    assert redis.api.wait("shaken", run) == "success", redis.api.tasks("shaken", run)
    committed_once(redis, "shaken")


@ON_REDIS
def test_a_stack_that_is_started_twice_is_one_and_one_whose_keeper_was_killed_heals(redis: Stack) -> None:
    import json

    state = json.loads((redis.home / "airflow" / "state.json").read_text())
    pids = {name: one["pid"] for name, one in state["parts"].items()}
    kill(state["keeper"]["pid"], pids["triggerer"])
    words = ("--executor", "celery", "--broker", "redis", "--workers", "2", "--slots", "3", "--schedulers", "2")
    again = json.loads(redis.noria("airflow", "up", *words, "--pool", "fragile=1", "--pool", "doomed=1", "--json"))
    now = {one["name"]: one["pid"] for one in again["parts"]}
    assert {name for name in pids if now[name] != pids[name]} == {"triggerer"}
    said = redis.noria("doctor", "--airflow", "--json", code=1)
    wrong = [one["option"] for one in json.loads(said)["settings"] if one["wrong"]]
    assert wrong == ["scheduler.task_instance_heartbeat_timeout"]  # which these tests set to less


@ON_RABBITMQ
def test_on_rabbitmq_a_lost_worker_and_a_restarted_broker_change_nothing(rabbitmq: Stack) -> None:
    said = rabbitmq.noria("doctor", "--airflow", code=1)
    assert "consumer_timeout" in said
    rabbitmq.lifecycle("loans")
    rabbitmq.hold("loans")
    rabbitmq.api.unpause("loans")
    run = rabbitmq.begin("loans")
    first = rabbitmq.at_work("loans")
    KILLS["the whole worker"](first)
    rabbitmq.at_work("loans", besides=[first])
    before = rabbitmq.pid("rabbitmq")
    os.kill(before, signal.SIGTERM)
    wait_until(lambda: rabbitmq.pid("rabbitmq") != before, "RabbitMQ to be started again")
    rabbitmq.release("loans")
    assert rabbitmq.api.wait("loans", run) == "success", rabbitmq.api.tasks("loans", run)
    committed_once(rabbitmq, "loans")
    assert attempts(rabbitmq, "loans") >= 2
    with Live(rabbitmq.project) as server:
        assert server.predict().status_code == 200


@ON_RABBITMQ
def test_one_lifecycle_in_a_queue_and_in_pods(rabbitmq: Stack) -> None:
    with mixed.beside(rabbitmq) as cluster:
        mixed.lifecycle(rabbitmq, "mixed")
        rabbitmq.api.unpause("mixed")
        run = rabbitmq.begin("mixed")
        assert rabbitmq.api.wait("mixed", run) == "success", rabbitmq.api.tasks("mixed", run)
        [pod] = cluster.history()
    assert (pod["metadata"]["labels"]["noria.dev/step"], pod["spec"]["nodeName"]) == ("train", "highmem-0")
    queued = {one["task_id"]: one["queue"] for one in rabbitmq.api.tasks("mixed", run)}
    assert set(queued.values()) == {"default"}
    committed_once(rabbitmq, "mixed")
