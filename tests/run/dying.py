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
import signal
import sqlite3
import sys
import time
from collections import Counter
from collections.abc import Callable
from contextlib import closing
from importlib import import_module
from pathlib import Path
from typing import Any

import noria.data.table
from noria import settings
from noria.run.execute import MODULES
from noria.run.local import Watcher, turn
from noria.run.place import open_place
from noria.store.engine import Store

SLOW_TO_LOAD = ["sklearn.pipeline", "skl2onnx", "onnxruntime", "fairlearn.metrics", "altair", "vl_convert", "optuna"]
SEEN = {"open", "os.rename", "os.mkdir", "os.remove", "os.link", "shutil.rmtree", "tempfile.mkstemp"}


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
                os.write(self.report, f"{self.now}: {name}".encode())
                os.kill(os.getpid(), signal.SIGKILL)

    def hook(self, home: Path) -> None:
        """Make every effect of the process on the outside an event."""

        def audited(name: str, arguments: tuple[Any, ...]) -> None:
            if name in SEEN and arguments and str(arguments[0]).startswith(str(home)):
                self.event(f"{name} {Path(str(arguments[0])).relative_to(home)}")

        sys.addaudithook(audited)
        begin, commit = Store.begin, noria.data.table._commit

        def begin_and_tell(store: Store) -> Any:
            return Told(begin(store), self.event)

        def commit_and_tell(*arguments: Any) -> None:
            self.event("before a Delta commit")
            commit(*arguments)
            self.event("after a Delta commit")

        Store.begin = begin_and_tell  # type: ignore[method-assign,assignment]
        noria.data.table._commit = commit_and_tell


class Told:
    """A transaction with an event just before and just after it commits."""

    def __init__(self, inner: Any, event: Callable[[str], None]) -> None:
        self.inner, self.event = inner, event

    def __enter__(self) -> Any:
        return self.inner.__enter__()

    def __exit__(self, *error: Any) -> Any:
        self.event("before a commit")
        ended = self.inner.__exit__(*error)
        self.event("after a commit")
        return ended


def launch(file: Path, step: str | None, at: int, kill_after: float | None = None) -> tuple[bool, str, Counter[str]]:
    """One child; whether it came through, where it died, and its events by step."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        death = Death(step, at, writer)
        try:
            found = settings.load(file.parent, environ={})
            death.hook(found.home)
            turn(open_place(found), file, watcher=death)
            os.write(writer, json.dumps(death.counts).encode())
            os._exit(0)
        except BaseException as error:
            print(f"{type(error).__name__}: {error}", file=sys.stderr, flush=True)
            os._exit(1)
    os.close(writer)
    if kill_after is not None:
        time.sleep(kill_after)  # the moment of death is what is chosen here, not something waited for
        os.kill(child, signal.SIGKILL)
    _, status = os.waitpid(child, 0)
    with os.fdopen(reader) as pipe:
        text = pipe.read()
    if os.WIFEXITED(status):
        if os.WEXITSTATUS(status):
            raise SystemExit("a turn failed that nobody had killed")
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
        orders = [(step, choose.randint(1, events[step]), None) for _ in range(kills)]
        orders += [(None, 0, choose.uniform(0.02, 0.2))] if kills else []
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
