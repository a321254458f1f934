"""Single steps of a lifecycle on a real store in a temporary folder: no runner, nothing reused."""

import json
import tempfile
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from importlib import import_module
from pathlib import Path
from typing import Any

import polars as pl

from noria.clock import FixedClock
from noria.digest import Digest
from noria.lifecycle import Lifecycle
from noria.plan import Plan, Step
from noria.run.execute import MODULES
from noria.settings import Settings
from noria.store import runs
from noria.store.attempt import Attempt, Result
from noria.store.engine import open_store
from noria.store.folder import Folder

NOON = FixedClock(datetime(2026, 1, 1, 12, tzinfo=UTC))


class Bench:
    """One lifecycle's stores. ``do`` does a step with the outputs of those done before and commits it."""

    def __init__(self, folder: Path, lifecycle: Lifecycle) -> None:
        self.folder, self.lifecycle = folder, lifecycle
        self.inbox = folder / "inbox"
        self.inbox.mkdir(exist_ok=True)
        self.settings = Settings(folder / "home", f"sqlite:///{folder / 'home' / 'noria.db'}", "", actor="tester")
        self.store = open_store(self.settings.db)
        self.artifacts = Folder(folder / "home" / "artifacts")
        self.results: dict[str, Result] = {}
        self.turn()

    def turn(self) -> None:
        """Begin another run."""
        plan = Plan(self.lifecycle.name, tuple(Step(word) for word in MODULES), "bundle", "lifecycle.py")
        with self.store.begin() as c:
            self.run = runs.start(c, NOON, plan, key="key", trigger="person", remedy=None)

    def arrive(self, name: str, rows: pl.DataFrame | str | bytes) -> Path:
        """A file in the inbox."""
        path = self.inbox / name
        if isinstance(rows, pl.DataFrame):
            rows.write_csv(path)
        else:
            path.write_bytes(rows if isinstance(rows, bytes) else rows.encode())
        return path

    def attempt(self, word: str, remedy: str | None = None) -> Attempt:
        functions: Mapping[str, Callable[..., Any]] = self.lifecycle.functions
        return Attempt(
            run_id=self.run.id,
            run_number=self.run.number,
            lifecycle=self.lifecycle.name,
            plan=self.run.plan,
            step=self.run.plan.step(word),
            config=self.lifecycle.config(word),
            schema=self.lifecycle.schema,
            functions=functions,
            inputs=dict(self.results),
            seed=0,
            remedy=remedy,
            project=self.folder,
            scratch=Path(tempfile.mkdtemp(dir=self.folder)),
            settings=self.settings,
            clock=NOON,
            store=self.store,
            artifacts=self.artifacts,
            config_of=self.lifecycle.config,
        )

    def do(self, word: str, remedy: str | None = None) -> Attempt:
        """Do a step and commit what it left."""
        attempt = self.attempt(word, remedy)
        import_module(MODULES[word]).run(attempt)
        with self.store.begin() as c:
            for effect in attempt.effects:
                effect(c)
        self.results[word] = Result(attempt.facts, attempt.outputs)
        return attempt

    def upto(self, last: str) -> Attempt:
        """Do all steps from the first up to one."""
        for word in MODULES:
            done = self.do(word)
            if word == last:
                return done
        raise KeyError(last)

    def json(self, word: str, name: str) -> Any:
        return json.loads(self.bytes(word, name))

    def bytes(self, word: str, name: str) -> bytes:
        return self.artifacts.get(Digest(self.results[word].outputs[name].digest.hex))
