"""Settings that make Airflow slow, or lose or double work: what is wrong with them, and what comes of it."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from noria.airflow.stack.effective import Effective, uses_celery

DAY_S = 86_400
LONG_S = 7 * DAY_S  # the longest step that must survive


@dataclass(frozen=True, slots=True)
class Check:
    """One setting: which values hold, what a wrong one does, and what to set."""

    option: str
    holds: Callable[[str], bool]
    does: str
    set_to: str
    celery: bool = False  # matters with Celery alone
    broker: str = ""  # matters with this broker alone


@dataclass(frozen=True, slots=True)
class Finding:
    """A setting as it is; ``wrong`` is a sentence with consequence and remedy, empty if it holds."""

    option: str
    value: str
    wrong: str


def _most(limit: float) -> Callable[[str], bool]:
    return lambda text: float(text) <= limit


def _least(limit: float) -> Callable[[str], bool]:
    return lambda text: float(text) >= limit


def _between(least: float, most: float) -> Callable[[str], bool]:
    return lambda text: least <= float(text) <= most


def _is(wanted: str) -> Callable[[str], bool]:
    return lambda text: text.strip().lower() == wanted


CHECKS = (
    Check("scheduler.scheduler_idle_sleep_time", _most(0.3),
          "the scheduler sleeps this many seconds between two steps of a chain", "0.1"),
    Check("workers.min_heartbeat_interval", _most(2),
          "a task whose end was missed holds its slot for so many seconds", "1"),
    Check("scheduler.task_instance_heartbeat_timeout", _between(20, 60),
          "the step of a lost worker begins again after so many seconds; under 20, a busy worker counts as lost", "45"),
    Check("dag_processor.refresh_interval", _most(30),
          "a lifecycle that was exported is seen after so many seconds", "5"),
    Check("scheduler.task_queued_timeout", _least(DAY_S),
          "a step that waits longer than so many seconds for a free worker fails", "86400"),
    Check("celery.task_acks_late", _is("true"),
          "a step whose worker dies before it begins is lost until the queue times out", "True", celery=True),
    Check("celery.worker_prefetch_multiplier", _is("1"),
          "a worker holds back steps that idle workers could do, and they are lost with it", "1", celery=True),
    Check("celery_broker_transport_options.visibility_timeout", _least(LONG_S),
          "Redis gives a step that takes longer than so many seconds to a second worker", "2592000", celery=True,
          broker="redis"),
)  # fmt: skip
BROKERS: Mapping[str, tuple[Check, ...]] = {
    "redis": (
        Check("maxmemory-policy", _is("noeviction"), "Redis drops queued steps when its memory is full", "noeviction"),
        Check("appendonly", _is("yes"), "queued steps are gone when Redis starts again", "yes"),
    ),
    "rabbitmq": (
        Check("consumer_timeout", _least(LONG_S * 1000),
              "RabbitMQ closes the channel of a worker whose step takes so many milliseconds", "2592000000"),
    ),
}  # fmt: skip
FILES = {"redis": "redis.conf", "rabbitmq": "rabbitmq.conf"}
OPTIONS = tuple(check.option for check in CHECKS)


def findings(found: Effective) -> Iterator[Finding]:
    """Every setting that matters here, as it is; those of a broker that does not say are one finding that is wrong."""
    celery = uses_celery(found.airflow)
    for check in CHECKS:
        if (celery or not check.celery) and check.broker in ("", found.broker):
            yield _judge(check, found.airflow.get(check.option), _variable(check.option))
    if not celery or not found.broker:
        return
    for check in BROKERS[found.broker]:
        if found.settings is not None:
            where = f"{check.option} in {FILES[found.broker]}"
            yield _judge(check, found.settings.get(check.option), where)
        else:
            yield Finding(f"{found.broker}: {check.option}", "–", _unknown(found, check))


def _judge(check: Check, value: str | None, where: str) -> Finding:
    try:
        holds = value is not None and check.holds(value)
    except ValueError:
        holds = False
    shown = "not set" if value is None else value
    wrong = "" if holds else f"{check.option} is {shown}: {check.does}. Set {where} to {check.set_to}."
    return Finding(check.option, shown, wrong)


def _variable(option: str) -> str:
    section, _, name = option.partition(".")
    return f"AIRFLOW__{section.upper()}__{name.upper()}"


def _unknown(found: Effective, check: Check) -> str:
    how = "it does not answer" if found.running else "it is not running, or is not this machine's"
    see = f"See there that {check.option} is {check.set_to}: else {check.does}."
    return f"{check.option} of {found.broker} cannot be read, {how}. {see}"
