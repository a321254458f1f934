"""What ``noria airflow export`` writes beside a DAG file: the plan, and how its steps are called. Without Airflow."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any

from noria.plan import Plan, Step
from noria.pools import file
from noria.pools.pool import Pool

FORMAT = 1
EXECUTORS = ("local", "celery", "kubernetes")
GATES = ("fail", "skip")


@dataclass(frozen=True, slots=True)
class Exported:
    """
    plan, digest
        The plan, and its digest in the artifact store, from where ``begin`` takes it.
    command, folder, environment
        How noria is started on a worker: the words before ``step``, the working directory (None: the worker's), and
        what is added to the environment. No secret is among it: those are in the worker's own environment.
    executor
        ``local``, ``celery`` or ``kubernetes``: where steps run that ``placements`` does not name.
    placements
        Executor by step word, for a DAG that mixes them.
    pools
        ``noria.pools.pool.Pools`` as plain data; empty: a pool is a queue of Celery of that name, and nothing else.
    larger
        By the name of a pool, the pool that a step goes to which was out of memory in it.
    assets, cron
        Whether events of the dataset start runs, and at which times runs start besides.
    sweep
        When it is seen whether something arrived whose event was lost; empty: never.
    gates
        ``fail`` or ``skip``: what a gate that does not hold makes of its task.
    at_once
        How many parts of a divided step run at the same time; None: all, 1: one after the other.
    retries
        How often a step is tried again that failed by no fault of the data.
    approval_hours
        After how long a candidate that nobody decided about is refused; None: it waits.
    reviewers
        Airflow's user names of who may decide; empty: everybody that Airflow lets.
    pages
        Address of ``noria ui``, where the links of tasks lead; empty: no links.
    """

    plan: Plan
    digest: str
    command: tuple[str, ...] = ("noria",)
    folder: str | None = None
    environment: Mapping[str, str] = field(default_factory=dict)
    executor: str = "local"
    placements: Mapping[str, str] = field(default_factory=dict)
    pools: Mapping[str, Any] = field(default_factory=dict)
    larger: Mapping[str, str] = field(default_factory=dict)
    assets: bool = True
    cron: str = ""
    sweep: str = ""
    gates: str = "fail"
    at_once: int | None = None
    retries: int = 3
    approval_hours: float | None = None
    reviewers: tuple[str, ...] = ()
    pages: str = ""
    format: int = FORMAT

    @property
    def dag_id(self) -> str:
        """The DAG is named like the lifecycle."""
        return self.plan.lifecycle

    def pool(self, step: Step) -> Pool | None:
        """The pool that a step goes to; None if none is declared."""
        return file.from_plain(self.pools).choose(step.name, step.resources) if self.pools else None

    def to_json(self) -> str:
        """As text; readable, and the same for the same export."""
        return json.dumps({**asdict(self), "plan": json.loads(self.plan.to_json())}, indent=1, sort_keys=True) + "\n"

    @classmethod
    def from_json(cls, text: str) -> "Exported":
        """Read back what ``to_json`` wrote.

        Raises
        ------
        ValueError
            If it is of a newer format, or no export at all.
        """
        raw = json.loads(text)
        if not isinstance(raw, dict) or "plan" not in raw or "format" not in raw:
            raise ValueError("this is no plan that 'noria airflow export' wrote")
        if raw["format"] > FORMAT:
            raise ValueError(f"the export has format {raw['format']}; this noria reads up to {FORMAT}: upgrade noria")
        plan = Plan.from_json(json.dumps(raw["plan"]))
        listed = {name: tuple(raw[name]) for name in ("command", "reviewers")}
        return cls(**{**raw, **listed, "plan": plan})


def read(file: Path) -> Exported:
    """The export in a file; ``ValueError`` with the file's name if it cannot be used here."""
    try:
        return Exported.from_json(file.read_text())
    except (OSError, ValueError, KeyError, TypeError) as error:
        what = str(error) if isinstance(error, ValueError) else f"{type(error).__name__}: {error}"
        raise ValueError(f"{file.name} cannot be used: {what}. Export the lifecycle again.") from error


def run_id(lifecycle: str, dag_id: str, airflow_run: str) -> str:
    """The noria run that an Airflow run turns: the same wherever and however often it is computed; 32 characters."""
    return f"{lifecycle[:15]}-{sha256(json.dumps([dag_id, airflow_run]).encode()).hexdigest()}"[:32]
