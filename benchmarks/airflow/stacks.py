"""A stack as users start it, with the shipped settings, for the time of a benchmark."""

from collections.abc import Iterator
from contextlib import contextmanager

from airflow.celery import Stack, stack
from airflow.rest import RUN_S
from benchmarks.measure import Trouble


class Running(Stack):
    """A stack whose runs must succeed."""

    def must_succeed(self, name: str, run: str, pause: float = RUN_S) -> None:
        """``pause``: seconds between two looks, each of which takes the processor from what is measured."""
        state = self.api.wait(name, run, pause)
        if state != "success":
            raise Trouble(f"run {run} of {name} ended {state}: {self.api.states(name, run)}")


@contextmanager
def running(broker: str, *options: str) -> Iterator[Running]:
    with stack(broker, *options) as found:
        yield Running(found.project, found.control, found.api)
