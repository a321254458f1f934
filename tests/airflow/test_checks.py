"""noria doctor --airflow finds each setting that makes Airflow slow, or loses or doubles work."""

from dataclasses import replace

import pytest

from noria.airflow.stack import checks, servers
from noria.airflow.stack.effective import Effective

SHIPPED = {
    name.removeprefix("AIRFLOW__").replace("__", ".", 1).lower(): value
    for file in ("airflow.env", "celery.env", "redis.env")
    for name, value in servers.environment_file(file).items()
} | {"core.executor": "CeleryExecutor"}
REDIS = Effective(SHIPPED, "redis", {"maxmemory-policy": "noeviction", "appendonly": "yes"}, running=True)
RABBITMQ = Effective(SHIPPED, "rabbitmq", {"consumer_timeout": "2592000000"}, running=True)
DEFAULTS = {  # Airflow 3.3.2's own
    "scheduler.scheduler_idle_sleep_time": "1",
    "workers.min_heartbeat_interval": "5",
    "scheduler.task_instance_heartbeat_timeout": "300",
    "dag_processor.refresh_interval": "300",
    "scheduler.task_queued_timeout": "600.0",
}


@pytest.mark.parametrize(
    "found", [REDIS, RABBITMQ, Effective(SHIPPED | {"core.executor": "LocalExecutor"}, "", None, True)]
)
def test_nothing_is_wrong_with_what_is_shipped(found: Effective) -> None:
    assert [one.wrong for one in checks.findings(found) if one.wrong] == []


@pytest.mark.parametrize(
    ("option", "value"),
    [
        *DEFAULTS.items(),
        ("scheduler.task_instance_heartbeat_timeout", "5"),
        ("celery.task_acks_late", "False"),
        ("celery.worker_prefetch_multiplier", "4"),
        ("celery_broker_transport_options.visibility_timeout", "86400"),
        ("celery_broker_transport_options.visibility_timeout", None),
        ("scheduler.scheduler_idle_sleep_time", "soon"),
    ],
)
def test_each_wrong_setting_is_one_sentence_with_consequence_and_remedy(option: str, value: str | None) -> None:
    found = replace(REDIS, airflow={**SHIPPED, option: value})
    [wrong] = [one.wrong for one in checks.findings(found) if one.wrong]
    section, name = option.upper().split(".")
    assert wrong.startswith(f"{option} is {value or 'not set'}: ")
    assert f"Set AIRFLOW__{section}__{name} to " in wrong


@pytest.mark.parametrize(
    ("found", "name", "value", "file"),
    [
        (REDIS, "maxmemory-policy", "allkeys-lru", "redis.conf"),
        (REDIS, "appendonly", "no", "redis.conf"),
        (RABBITMQ, "consumer_timeout", "1800000", "rabbitmq.conf"),
        (RABBITMQ, "consumer_timeout", "undefined", "rabbitmq.conf"),
    ],
)
def test_the_brokers_own_settings_count_too(found: Effective, name: str, value: str, file: str) -> None:
    changed = replace(found, settings={**(found.settings or {}), name: value})
    [wrong] = [one.wrong for one in checks.findings(changed) if one.wrong]
    assert wrong.startswith(f"{name} is {value}: ")
    assert f"in {file} to " in wrong


def test_a_broker_that_does_not_say_is_no_good_news() -> None:
    [wrong] = [one.wrong for one in checks.findings(replace(RABBITMQ, settings=None)) if one.wrong]
    assert "cannot be read" in wrong
    assert "2592000000" in wrong


def test_what_matters_with_celery_alone_is_not_asked_of_the_local_executor() -> None:
    local = Effective(SHIPPED | {"core.executor": "LocalExecutor", "celery.task_acks_late": "False"}, "", None, True)
    assert not any(one.option.startswith("celery") for one in checks.findings(local))
