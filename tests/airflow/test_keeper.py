"""The keeper of a stack: killed itself, its parts go on, and the next one looks after all of them."""

import os
import signal
import sys
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from airflow.celery import wait_until
from noria.airflow.stack import choice, config, ports, processes, servers
from noria.airflow.stack.choice import Choice, Folder, Stack
from noria.airflow.stack.keeper import Keeper
from noria.airflow.stack.part import Part
from noria.airflow.stack.processes import Running

SLEEPS = [sys.executable, "-c", "import time; time.sleep(600)"]


class Killed(BaseException):
    """As by the kernel: nothing is tidied up."""


@pytest.fixture
def stack(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Stack]:
    """One whose parts are processes that sleep; at the end none of them is left."""
    folder = Folder(tmp_path / ".noria" / "airflow")
    folder.make()
    free = ports.settle(["postgres", "chosen"], {}, 0)
    made = Stack(
        folder, Choice("local"), {"postgres": free["postgres"], "api": free["chosen"]}, folder.root, tmp_path, {}
    )
    before = signal.getsignal(signal.SIGTERM)
    monkeypatch.setattr(config, "migrate", lambda stack, environment: None)
    monkeypatch.setattr(config, "variables", lambda stack: {})
    monkeypatch.setattr(servers, "of", lambda stack: [part(stack, "postgres")])
    yield made
    signal.signal(signal.SIGTERM, before)
    processes.sweep(folder.root)


def part(stack: Stack, name: str, *, kills: bool = False) -> Part:
    def ready(since: int) -> bool:
        if kills:
            raise Killed
        return True

    return Part(name, SLEEPS, stack.folder.root, ready)


def recorded(stack: Stack) -> dict[str, Any]:
    return dict(choice.read(stack.folder.root / "state.json") or {})


def pids(parts: Mapping[str, Any]) -> dict[str, int]:
    return {name: one["pid"] for name, one in parts.items()}


def test_all_parts_of_a_killed_keeper_are_taken_over_and_those_not_chosen_any_more_end(
    stack: Stack, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = ("api-server", "worker1", "worker2")
    monkeypatch.setattr(config, "parts", lambda stack: [part(stack, name) for name in names] + [killer])
    killer = part(stack, "triggerer", kills=True)
    with pytest.raises(Killed):
        Keeper(stack).keep()
    first = recorded(stack)["parts"]
    alive = {name for name, one in first.items() if Running(one["pid"], one["start"]).alive}
    assert alive == {"postgres", *names, "triggerer"}

    monkeypatch.setattr(config, "parts", lambda stack: [part(stack, "api-server"), part(stack, "worker1")])
    seen: list[dict[str, Any]] = []

    def look() -> None:
        wait_until(lambda: recorded(stack)["phase"] == "ready", "the second keeper")
        seen.append(recorded(stack)["parts"])
        os.kill(os.getpid(), signal.SIGTERM)

    looking = threading.Thread(target=look)
    looking.start()
    assert Keeper(stack).keep()
    looking.join()
    kept = ("postgres", "api-server", "worker1")
    assert pids(seen[0]) == {name: first[name]["pid"] for name in kept}
    assert {name: one["restarts"] for name, one in seen[0].items()} == dict.fromkeys(kept, 0)
    assert list(processes.marked(stack.folder.root)) == []
