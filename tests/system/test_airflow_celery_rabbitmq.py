"""Real Airflow with Celery on RabbitMQ: from an event to a served model, a worker and the broker lost on the way."""

import os
import signal
from collections.abc import Iterator
from urllib.parse import urlsplit

import boto3
import pytest

from airflow import mixed
from airflow.celery import Stack, stack, wait_until
from s3 import bucket
from serve.live import Live

pytestmark = [pytest.mark.system, pytest.mark.stack, pytest.mark.timeout(1800)]


@pytest.fixture(scope="module")
def artifacts(s3_server: str) -> Iterator[str]:
    """The artifact store of the file: not on this machine's disk, as with workers on several machines."""
    with bucket(s3_server) as url:
        yield url


@pytest.fixture(scope="module")
def rabbitmq(artifacts: str) -> Iterator[Stack]:
    with stack("rabbitmq", "--workers", "2", "--slots", "2", artifacts=artifacts) as found:
        yield found


def test_on_rabbitmq_and_s3_a_lost_worker_and_a_restarted_broker_change_nothing(
    rabbitmq: Stack, artifacts: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "consumer_timeout" in rabbitmq.noria("doctor", "--airflow")
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
    assert rabbitmq.api.wait("loans", run) == "success", rabbitmq.api.states("loans", run)
    rabbitmq.must_be_committed_once("loans")
    assert rabbitmq.attempts("loans") >= 2
    monkeypatch.setattr("serve.live.PATIENCE_S", 300.0)  # a dozen processes of Airflow are beside it
    with Live(rabbitmq.project) as server:
        assert server.predict().status_code == 200
    found = boto3.client("s3").list_objects_v2(Bucket=urlsplit(artifacts).netloc)["Contents"]
    [(package,)] = rabbitmq.records("select package from model_version where model = 'loans'")
    assert any(one["Key"].replace("/", "").endswith(package) for one in found)
    assert not (rabbitmq.home / "artifacts").exists()


def test_one_lifecycle_in_a_queue_and_in_pods(rabbitmq: Stack) -> None:
    with mixed.beside(rabbitmq) as cluster:
        mixed.lifecycle(rabbitmq, "mixed")
        rabbitmq.api.unpause("mixed")
        run = rabbitmq.begin("mixed")
        assert rabbitmq.api.wait("mixed", run) == "success", rabbitmq.api.states("mixed", run)
        pods = cluster.history()  # more than one if the machine was too busy for a heartbeat
    places = {(one["metadata"]["labels"]["noria.dev/step"], one["spec"]["nodeName"]) for one in pods}
    assert places == {("train", "highmem-0")}
    assert {one["queue"] for one in rabbitmq.api.tasks("mixed", run).values()} == {"default"}
    rabbitmq.must_be_committed_once("mixed")
