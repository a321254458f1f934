"""What a plan is: steps, needs, shards, resources. Plain data, standard library only, no user code.

An orchestrator reads a plan and decides when and where each step's command runs; nothing else.
"""

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from noria.declared import check

FORMAT = 2  # 2: resources say into how many parts the work divides
PREPARES: Mapping[str, str] = {"preprocess": "fit"}  # steps whose parts start from something that is made once


def run_id(lifecycle: str, number: int) -> str:
    """What a lifecycle's run of that number is called; at most 32 characters."""
    if len(lifecycle) <= 24:
        return f"{lifecycle}-{number}"
    return f"{lifecycle[:15]}-{hashlib.sha256(lifecycle.encode()).hexdigest()[:8]}-{number}"


def dataset_uri(lifecycle: str) -> str:
    """What a lifecycle's dataset is called where many are known; in Airflow an event on it says that something came."""
    return f"noria://dataset/{lifecycle}"


@dataclass(frozen=True, slots=True)
class Resources:
    """What a step asks for: CPU cores, memory in MiB (None: no bound), GPUs, and the pool that must offer them.

    ``parts``: into how many parts an orchestrator divides it over its workers, each with as much of the rest; for
    validate (profiles of batches) and preprocess (transforming features). The search has ``Tune(workers=…)``.
    """

    cpu: float = 1
    memory_mb: int | None = None
    gpu: int = 0
    pool: str = "default"
    parts: int = 1

    def __post_init__(self) -> None:
        check(self, least={"cpu": 0, "memory_mb": 1, "gpu": 0, "parts": 1})


@dataclass(frozen=True, slots=True)
class Step:
    """One unit of execution.

    ``name`` is the step's word (``collect``); ``config`` is what the lifecycle declares for it, as plain data;
    ``code`` is the digest of the user code reachable from its functions, empty if it has none. ``shards`` is into how
    many parts its work may be divided; 1: it is not. Parts only help: the step itself does what none of them has done.
    """

    name: str
    needs: tuple[str, ...] = ()
    config: Mapping[str, Any] = field(default_factory=dict)
    code: str = ""
    reached: Mapping[str, str] = field(default_factory=dict)
    shards: int = 1
    resources: Resources = Resources()


@dataclass(frozen=True, slots=True)
class Plan:
    """A lifecycle, compiled. ``bundle`` is the code bundle's digest, ``entry`` the lifecycle file's name in it."""

    lifecycle: str
    steps: tuple[Step, ...]
    bundle: str
    entry: str
    seed: int = 0
    format: int = FORMAT

    def step(self, name: str) -> Step:
        """The step of that name; ``KeyError`` if there is none."""
        for step in self.steps:
            if step.name == name:
                return step
        raise KeyError(name)

    def in_order(self) -> Iterator[Step]:
        """Steps, each after all it needs; ``ValueError`` if they wait for each other."""
        left = list(self.steps)
        done: set[str] = set()
        while left:
            ready = [step for step in left if done.issuperset(step.needs)]
            if not ready:
                raise ValueError(f"steps wait for each other: {', '.join(step.name for step in left)}")
            for step in ready:
                yield step
                done.add(step.name)
                left.remove(step)

    def after(self, name: str) -> set[str]:
        """Names of all steps that need ``name``, directly or through others."""
        found: set[str] = set()
        for step in self.in_order():
            if name in step.needs or found.intersection(step.needs):
                found.add(step.name)
        return found

    def to_json(self) -> str:
        return json.dumps(asdict(self), sort_keys=True)

    @classmethod
    def from_json(cls, text: str) -> "Plan":
        """Read back what ``to_json`` wrote; ``ValueError`` if it is of a newer format."""
        raw = json.loads(text)
        if raw["format"] > FORMAT:
            raise ValueError(f"the plan has format {raw['format']}; this noria reads up to {FORMAT}: upgrade noria")
        steps = tuple(
            Step(**{**step, "needs": tuple(step["needs"]), "resources": Resources(**step["resources"])})
            for step in raw["steps"]
        )
        return cls(**{**raw, "steps": steps})
