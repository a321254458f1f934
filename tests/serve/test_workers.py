"""What the server does about workers that die: it starts others, unless none could ever start."""

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from time import monotonic

import httpx
import pytest
from granian.server.mp import MPServer

from noria.run.place import Place
from noria.serve import workers
from noria.serve.server import THREADS, share_processors
from noria.serve.workers import Workers
from serve.live import Live, until

WORKER = "noria.cli.main"


@pytest.mark.system
def test_a_worker_that_is_killed_again_and_again_is_followed_by_another(project: Place, folder: Path) -> None:
    with Live(folder) as server:
        for _ in range(3):  # each as soon as it is there: granian by itself gives up at the second
            (worker,) = server.children(WORKER)
            server.kill(worker)
            until(lambda worker=worker: set(server.children(WORKER)) - {worker}, "another worker")
        until(lambda: answers(server), "an answer")
        assert server.stop() == 0


@dataclass
class Worker:
    """Stands for a process that died just now."""

    birth: float


@pytest.fixture
def given_up(monkeypatch: pytest.MonkeyPatch) -> Callable[[Sequence[float]], list[bool]]:
    """Whether granian would end the server at the next early death, after each death of a worker of that age."""
    monkeypatch.setattr(workers, "PAUSE_S", 0)
    monkeypatch.setattr(MPServer, "_respawn_workers", lambda self, found, *_: self.respawned_wrks.update({found[0]: 1}))
    server = Workers("noria.serve.worker:app", interface="rsgi")

    def after(ages: Sequence[float]) -> list[bool]:
        found = []
        for age in ages:
            server.wrks = [Worker(monotonic() - age)]
            server._respawn_workers([0], None, None)
            found.append(bool(server.respawned_wrks))
        return found

    return after


def test_a_server_whose_workers_cannot_start_ends(given_up: Callable[[Sequence[float]], list[bool]]) -> None:
    assert given_up([0.0] * workers.MOST) == [False] * (workers.MOST - 1) + [True]


def test_one_whose_worker_once_lived_goes_on(given_up: Callable[[Sequence[float]], list[bool]]) -> None:
    assert given_up([0.0, workers.YOUNG_S + 1, *[0.0] * (2 * workers.MOST)]) == [False] * (2 + 2 * workers.MOST)


@pytest.mark.parametrize(("said", "processors", "many", "threads"), [
    (None, 8, 1, "8"), (None, 8, 3, "2"), (None, 2, 4, "1"), ("3", 8, 1, "3"),
])  # fmt: skip
def test_models_of_all_workers_share_the_processors_unless_it_is_said_how_many_threads_they_have(
    monkeypatch: pytest.MonkeyPatch, said: str | None, processors: int, many: int, threads: str
) -> None:
    monkeypatch.setenv(THREADS, said or "")
    if said is None:
        monkeypatch.delenv(THREADS)
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(processors)))
    share_processors(many)
    assert os.environ[THREADS] == threads


def answers(server: Live) -> bool:
    try:
        return server.predict().status_code == 200
    except httpx.TransportError:
        return False
