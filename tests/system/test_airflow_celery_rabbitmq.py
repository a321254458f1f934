"""Real Airflow with Celery on RabbitMQ: from an event to a served model, a worker and the broker lost on the way."""

import os
import signal
from collections.abc import Iterator

import pytest

from airflow import mixed
from airflow.celery import Stack, stack, wait_until
from serve.live import Live

pytestmark = [
    pytest.mark.system,
    pytest.mark.stack,
    pytest.mark.timeout(900),
    pytest.mark.xdist_group("airflow-celery"),
]


@pytest.fixture(scope="module")
def rabbitmq() -> Iterator[Stack]:
    with stack("rabbitmq", "--workers", "2", "--slots", "2") as found:
        yield found


def test_on_rabbitmq_a_lost_worker_and_a_restarted_broker_change_nothing(
    rabbitmq: Stack, monkeypatch: pytest.MonkeyPatch
) -> None:
    said = rabbitmq.noria("doctor", "--airflow", code=1)
    assert "consumer_timeout" in said
    rabbitmq.lifecycle("loans")
    rabbitmq.hold("loans")
    rabbitmq.api.unpause("loans")
    run = rabbitmq.begin("loans")
    first = rabbitmq.at_work("loans")
    rabbitmq.kill("the whole worker", "loans", first)
    rabbitmq.at_work("loans", besides=[first])
    before = rabbitmq.pid("rabbitmq")
    os.kill(before, signal.SIGTERM)
    wait_until(lambda: rabbitmq.pid("rabbitmq") != before, "RabbitMQ to be started again")
    rabbitmq.release("loans")
    assert rabbitmq.api.wait("loans", run) == "success", rabbitmq.api.tasks("loans", run)
    rabbitmq.must_be_committed_once("loans")
    assert rabbitmq.attempts("loans") >= 2
    monkeypatch.setattr("serve.live.PATIENCE_S", 300.0)  # a dozen processes of Airflow are beside it
    with Live(rabbitmq.project) as server:
        assert server.predict().status_code == 200


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
    rabbitmq.must_be_committed_once("mixed")
