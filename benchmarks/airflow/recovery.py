"""A process of a step is killed in mid-work: seconds until the step is at work again, with the shipped settings."""

import time

from airflow.celery import KILLED
from benchmarks.airflow.stacks import running
from benchmarks.measure import Line, Target

TARGET_S = 75.0
POOLS = {"Celery's main process": "fragile", "the whole worker": "doomed"}


def lines() -> list[Line]:
    """All kinds of kill at once, each on a lifecycle of its own: they wait for Airflow side by side."""
    options = ("--workers", "1", "--slots", "4", "--pool", "fragile=1", "--pool", "doomed=1")
    names = {what: f"kill{number}" for number, what in enumerate(KILLED)}
    found = []
    with running("redis", *options) as stack:
        for what, name in names.items():
            stack.lifecycle(name, POOLS.get(what, "default"))
            stack.hold(name)
            stack.api.unpause(name)
        runs = {name: stack.begin(name) for name in names.values()}
        first = {name: stack.at_work(name) for name in names.values()}
        killed = {}
        for what, name in names.items():
            killed[name] = time.perf_counter()
            stack.kill(what, name, first[name])
        again: dict[str, float] = {}
        while len(again) < len(names):
            for name in names.values() - again.keys():
                if stack.is_at_work(name, besides=[first[name]]):
                    again[name] = time.perf_counter() - killed[name]
            time.sleep(0.05)
        for name, run in runs.items():
            stack.release(name)
            stack.must_succeed(name, run)
        for what, name in names.items():
            found.append(Line(f"at work again after kill -9 of {what}", samples=[again[name]], target=Target(TARGET_S)))
    return found
