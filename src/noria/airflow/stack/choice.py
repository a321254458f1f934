"""What a stack consists of, where it lives, and what was recorded about it."""

import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from noria.errors import UserError

EXECUTORS = ("local", "celery")
BROKERS = ("redis", "rabbitmq")


@dataclass(frozen=True, slots=True)
class Choice:
    """What the user asked for.

    executor, broker
        ``local`` or ``celery``; ``redis`` or ``rabbitmq``, empty without Celery.
    workers, slots
        General Celery workers, and how many tasks each does at once (of the local executor: in all).
    pools
        Pools beside the default one: name, and the slots of its own worker; with 0 the general workers serve it.
    schedulers
        How many; two share the work and survive each other.
    port
        Of the web pages and the API; 0: 8080 if it is free, otherwise any.
    """

    executor: str = "local"
    broker: str = ""
    workers: int = 1
    slots: int = 2
    pools: Mapping[str, int] = field(default_factory=dict)
    schedulers: int = 1
    port: int = 0

    def __post_init__(self) -> None:
        if self.executor not in EXECUTORS:
            raise UserError(f"no executor {self.executor!r}", where="--executor", do=f"Give {' or '.join(EXECUTORS)}.")
        if self.executor == "local":
            object.__setattr__(self, "broker", "")
        elif (self.broker or "redis") not in BROKERS:
            raise UserError(f"no broker {self.broker!r}", where="--broker", do=f"Give {' or '.join(BROKERS)}.")
        else:
            object.__setattr__(self, "broker", self.broker or "redis")
        for name, least in (("workers", 1), ("slots", 1), ("schedulers", 1), ("port", 0)):
            if getattr(self, name) < least:
                raise UserError(f"{name} is {getattr(self, name)}", where=f"--{name}", do=f"Give at least {least}.")
        if self.schedulers > 1 and self.executor == "local":
            raise UserError(
                "several schedulers need PostgreSQL", where="--schedulers", do="Take --executor celery, or one of them."
            )

    @property
    def parts_of_debian(self) -> tuple[str, ...]:
        """Servers that this choice needs."""
        return () if self.executor == "local" else ("postgresql", self.broker)


@dataclass(frozen=True, slots=True)
class Folder:
    """Where a stack keeps its things: ``root`` is the folder ``airflow`` of a noria home."""

    root: Path

    @property
    def home(self) -> Path:
        """The noria home it belongs to."""
        return self.root.parent

    @property
    def environment(self) -> Path:
        """Airflow's interpreter and libraries, as recorded; ``NORIA_AIRFLOW_ENVIRONMENT`` names another one."""
        recorded = (read(self.root / "stack.json") or {}).get("environment")
        return Path(os.environ.get("NORIA_AIRFLOW_ENVIRONMENT") or recorded or self.root / "environment")

    @property
    def airflow(self) -> Path:
        return self.root / "home"

    @property
    def dags(self) -> Path:
        return self.root / "dags"

    @property
    def logs(self) -> Path:
        return self.root / "logs"

    def make(self) -> None:
        for folder in (self.root, self.airflow, self.dags, self.logs):
            folder.mkdir(parents=True, exist_ok=True)

    def log(self, part: str) -> Path:
        return self.logs / f"{part}.log"


@dataclass(frozen=True, slots=True)
class Stack:
    """A choice with all that was settled for it: ports, where PostgreSQL keeps its data, the project's folder."""

    folder: Folder
    choice: Choice
    ports: Mapping[str, int]
    postgres: Path
    project: Path
    variables: Mapping[str, str]  # NORIA_* of whoever started it

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.ports['api']}"

    @property
    def queues(self) -> list[str]:
        return ["default", *(name for name, slots in self.choice.pools.items() if slots == 0)]


def save(stack: Stack) -> None:
    """Record a stack, so that every later command finds it."""
    write(
        stack.folder.root / "stack.json",
        {
            "choice": asdict(stack.choice),
            "ports": dict(stack.ports),
            "postgres": str(stack.postgres),
            "project": str(stack.project),
            "environment": str(stack.folder.environment),
            "variables": dict(stack.variables),
        },
    )


def load(folder: Folder) -> Stack | None:
    """The recorded stack; None if there never was one."""
    found = read(folder.root / "stack.json")
    if found is None:
        return None
    return Stack(
        folder,
        Choice(**found["choice"]),
        found["ports"],
        Path(found["postgres"]),
        Path(found["project"]),
        found["variables"],
    )


def write(path: Path, value: Any, mode: int = 0o600) -> None:
    """Put plain data into a file at once; only its owner may read it."""
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode)
    with os.fdopen(descriptor, "w") as file:
        json.dump(value, file, indent=1)
    beside.replace(path)


def read(path: Path) -> Any:
    """Plain data from a file; None if it is not there."""
    try:
        return json.loads(path.read_text())
    except FileNotFoundError:
        return None
