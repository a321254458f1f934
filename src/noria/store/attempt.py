"""What a step receives: inputs, staged outputs, and what is to be committed with them."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sqlalchemy import Connection

from noria.clock import Clock
from noria.digest import Digest, canonical
from noria.errors import NotFound
from noria.plan import Plan, Step
from noria.settings import Settings
from noria.store.artifacts import ArtifactStore
from noria.store.engine import Store

Effect = Callable[[Connection], object]


@dataclass(frozen=True, slots=True)
class Output:
    """One committed artifact of a step run; ``bytes`` is its size."""

    digest: Digest
    media: str
    bytes: int


@dataclass(frozen=True, slots=True)
class Result:
    """What a finished step left: its facts (plain data) and its outputs by name."""

    facts: Mapping[str, Any]
    outputs: Mapping[str, Output]


@dataclass(frozen=True, slots=True)
class Alert:
    """A message to the data scientist. ``severity`` is ``info``, ``warn`` or ``block``."""

    severity: str
    what: str
    where: str
    do: str
    evidence: Mapping[str, Any] = field(default_factory=dict)


@dataclass(slots=True)
class Attempt:
    """One try at one step. Nothing that a step does through it is visible before the runner commits.

    run_id, run_number, lifecycle
        Which run, its number within the lifecycle, the lifecycle's name (also the dataset's and the model's name).
    plan, step
        The run's plan, and the step of it that this is.
    config
        The stage's configuration object, as the user declared it.
    schema
        The lifecycle's ``noria.data.schema.Schema``.
    functions
        The user's functions by stage word: ``preprocess``, ``train``.
    inputs
        Results of all steps that this one needs, directly or through others, by step word.
    project
        Folder of the lifecycle file; relative paths in the declaration start here.
    config_of
        Gives the configuration object of another step, by its word.
    scratch
        An empty folder for files; gone after the attempt.
    part, parts
        Of a step that is divided: which part this is (0: the step itself), and by number what the parts left that were
        computed from the same; what is made once for all of them has the number -1. Any may be missing.
    """

    run_id: str
    run_number: int
    lifecycle: str
    plan: Plan
    step: Step
    config: Any
    schema: Any
    functions: Mapping[str, Callable[..., Any]]
    inputs: Mapping[str, Result]
    seed: int
    remedy: str | None
    project: Path
    scratch: Path
    settings: Settings
    clock: Clock
    store: Store
    artifacts: ArtifactStore
    progress: Callable[[str, float], None] = lambda text, share: None
    config_of: Callable[[str], Any] = lambda word: None
    part: int = 0
    parts: Mapping[int, Result] = field(default_factory=dict)
    facts: dict[str, Any] = field(default_factory=dict)
    outputs: dict[str, Output] = field(default_factory=dict)
    alerts: list[Alert] = field(default_factory=list)
    effects: list[Effect] = field(default_factory=list)
    blocked: str | None = None

    def save(self, name: str, data: bytes, media: str = "application/octet-stream") -> Digest:
        """Stage bytes as the output ``name``."""
        digest = self.artifacts.put(data)
        self.outputs[name] = Output(digest, media, len(data))
        return digest

    def save_file(self, name: str, path: Path, media: str = "application/octet-stream") -> Digest:
        """Stage a file's bytes as the output ``name``, without reading it into memory."""
        digest = self.artifacts.put_file(path)
        self.outputs[name] = Output(digest, media, path.stat().st_size)
        return digest

    def save_json(self, name: str, value: Any) -> Digest:
        """Stage plain data as the output ``name``."""
        return self.save(name, canonical(value), "application/json")

    def open(self, step: str, name: str) -> Path:
        """A local, verified, read-only file with the output ``name`` of ``step``; memory-map it."""
        return self.artifacts.path(self._output(step, name).digest)

    def of_part(self, part: int, name: str) -> Path | None:
        """A local file with the output ``name`` that a part left; None if it left none."""
        left = self.parts.get(part)
        return None if left is None or name not in left.outputs else self.artifacts.path(left.outputs[name].digest)

    def read_json(self, step: str, name: str) -> Any:
        return json.loads(self.artifacts.get(self._output(step, name).digest))

    def alert(self, alert: Alert) -> None:
        """Send an alert when, and only if, this attempt is committed."""
        self.alerts.append(alert)

    def commit_with(self, effect: Effect) -> None:
        """Run ``effect`` in the transaction that commits this attempt, in the order given."""
        self.effects.append(effect)

    def block(self, message: str) -> None:
        """A gate does not hold: commit what was found and stop the run with ``message``."""
        self.blocked = message

    def _output(self, step: str, name: str) -> Output:
        result = self.inputs.get(step)
        if result is None or name not in result.outputs:
            raise NotFound(f"Step {step} left no output {name}", where=self.step.name, do="Run that step again.")
        return result.outputs[name]
