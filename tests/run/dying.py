"""A program that turns the wheel in a project again and again, and is killed at random moments until it is through.

Each turn runs in a child process of its own. A child kills itself with SIGKILL at an event chosen at random: a file
opened or renamed, a transaction about to commit or just committed, a Delta commit before and after. Some are killed by
the clock instead, wherever they are. Prints what happened as JSON.

    python dying.py LIFECYCLE_FILE SEED KILLS_PER_STEP EVENTS

EVENTS is a JSON object with the number of events of each step in an undisturbed turn; with no kills, this finds it.
"""

import json
import os
import random
import sqlite3
import sys
from collections import Counter
from contextlib import closing
from importlib import import_module
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent.parent))

import faults
from noria import settings
from noria.run.execute import MODULES
from noria.run.local import Watcher, turn
from noria.run.place import open_place

SLOW_TO_LOAD = ["sklearn.pipeline", "skl2onnx", "onnxruntime", "fairlearn.metrics", "altair", "vl_convert", "optuna"]


class Death(Watcher):
    """Counts events by step; sends SIGKILL to this process at the ``at``-th event from the start of ``step``."""

    def __init__(self, step: str | None, at: int, report: int) -> None:
        self.step, self.at, self.report = step, at, report
        self.now, self.counts, self.armed = "before", Counter[str](), step == "before"

    def step_started(self, word: str) -> None:
        self.now = word
        self.armed = self.armed or word == self.step

    def event(self, name: str) -> None:
        self.counts[self.now] += 1
        if self.armed:
            self.at -= 1
            if self.at <= 0:
                faults.die(self.report, f"{self.now}: {name}")


def launch(file: Path, step: str | None, at: int, kill_after: float = 0.0) -> tuple[bool, str, Counter[str]]:
    """One child; whether it came through, where it died, and its events by step."""

    def work(writer: int) -> None:
        death = Death(step, at, writer)
        found = settings.load(file.parent, environ={})
        faults.tell(found.home, death.event)
        turn(open_place(found), file, watcher=death)
        os.write(writer, json.dumps(death.counts).encode())

    through, text = faults.child(work, kill_after)
    if through:
        return True, "", Counter(json.loads(text))
    return False, text or "by the clock", Counter()


def ended(file: Path) -> int:
    """How many runs are done."""
    database = settings.load(file.parent, environ={}).home / "noria.db"
    if not database.is_file():
        return 0
    with closing(sqlite3.connect(database)) as connection:
        if not connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'run'").fetchone():
            return 0
        return int(connection.execute("SELECT count(*) FROM run WHERE state = 'done'").fetchone()[0])


def main(file: Path, seed: int, kills: int, events: dict[str, int]) -> dict[str, Any]:
    """Turn until it is through; where each child died, in order."""
    for name in [*MODULES.values(), *SLOW_TO_LOAD]:
        import_module(name)
    choose = random.Random(seed)
    deaths: list[str] = []
    turns = ended(file)
    for step in ["before", *MODULES]:
        orders = [(step, choose.randint(1, events[step]), 0.0) for _ in range(kills)]
        if kills and step != "before":  # from there it would run through steps that are to be died in
            orders.append((None, 0, choose.uniform(0.02, 0.2)))
        for word, at, kill_after in orders:
            through, where, counts = launch(file, word, at, kill_after)
            deaths += [] if through else [where]
            if through or ended(file) > turns:  # killed after the last commit: there is nothing left to do
                return {"deaths": deaths, "counts": counts}
    through, where, counts = launch(file, None, 0)
    assert through, where
    return {"deaths": deaths, "counts": counts}


if __name__ == "__main__":
    print(json.dumps(main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]), json.loads(sys.argv[4]))))
