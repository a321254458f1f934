"""Up, down and status of the stack of a noria home."""

import fcntl
import hashlib
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from noria.airflow.stack import choice, config, debian, environment, ports, processes, secrets
from noria.airflow.stack.choice import Choice, Folder, Stack
from noria.airflow.stack.processes import Running
from noria.errors import Failure, NotFound, UserError

UP_S = 600  # until all parts must have answered
DOWN_S = 120
MACHINE = Path("/var/lib/noria")  # PostgreSQL's data of homes that its account cannot reach

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class PartState:
    """One part: ``state`` is ready, starting or down; ``since`` is when its process began, seconds since 1970."""

    name: str
    state: str
    pid: int | None
    since: float | None
    restarts: int
    log: Path


@dataclass(frozen=True, slots=True)
class Status:
    """A stack as it stands; ``phase`` is down, starting, migrating, ready, healing, ending or failed."""

    phase: str
    trouble: str
    stack: Stack
    parts: tuple[PartState, ...]


def up(folder: Folder, wanted: Choice, *, project: Path, variables: Mapping[str, str], say: Say) -> Status:
    """Start the stack, or what of it does not run; returns when every part answers.

    Raises
    ------
    UserError
        If something is missing that the caller may not install, a port is taken, or another stack runs here.
    Failure
        If a part does not start; its last words are in the message.
    """
    folder.make()
    with _one_at_a_time(folder):
        debian.install(wanted.parts_of_debian, say)
        if folder.environment == folder.root / "environment":
            environment.build(folder.environment, say)
        else:
            _is_airflow(folder.environment)
        stack = _settle(folder, wanted, project, variables)
        secrets.of(folder)
        if not _keeper(folder):
            choice.save(stack)
            config.tell_noria(stack)
            state = choice.read(folder.root / "state.json") or {}
            choice.write(folder.root / "state.json", {**state, "phase": "starting", "trouble": "", "keeper": None})
            say(f"starting {_named(stack.choice)}")
            _start_keeper(folder)
        return _wait(folder, say)


def down(folder: Folder, say: Say) -> Status:
    """End the stack; its data stay."""
    stack = _recorded(folder)
    with _one_at_a_time(folder):
        keeper = _keeper(folder)
        if keeper is not None:
            say("ending the stack")
            os.kill(keeper.pid, 15)
            end = time.monotonic() + DOWN_S
            while keeper.alive and time.monotonic() < end:
                processes.reap()
                time.sleep(0.1)
            processes.stop([keeper], 0)
        state = choice.read(folder.root / "state.json") or {}
        processes.stop([Running(one["pid"], one["start"]) for one in state.get("parts", {}).values()], 20)
        processes.sweep(folder.root)
        choice.write(folder.root / "state.json", {**state, "phase": "down", "trouble": "", "keeper": None})
    return status(folder, stack)


def status(folder: Folder, stack: Stack | None = None) -> Status:
    """The stack as it stands; ``NotFound`` if there never was one."""
    stack = stack or _recorded(folder)
    state = choice.read(folder.root / "state.json") or {"phase": "down", "trouble": "", "parts": {}}
    parts = tuple(_part(folder, name, one) for name, one in state.get("parts", {}).items())
    phase = state["phase"]
    if phase not in ("down", "failed") and _keeper(folder) is None:
        phase = "unwatched" if any(part.pid for part in parts) else "down"
    return Status(phase, state["trouble"], stack, parts)


def _part(folder: Folder, name: str, found: Mapping[str, Any]) -> PartState:
    alive = Running(found["pid"], found["start"]).alive
    state = "down" if not alive else "ready" if found["ready"] else "starting"
    since = found["since"] if alive else None
    return PartState(name, state, found["pid"] if alive else None, since, found["restarts"], folder.log(name))


def _recorded(folder: Folder) -> Stack:
    stack = choice.load(folder)
    if stack is None:
        raise NotFound("there is no Airflow stack here", where=str(folder.root), do="Start one: noria airflow up.")
    return stack


def _settle(folder: Folder, wanted: Choice, project: Path, variables: Mapping[str, str]) -> Stack:
    """The stack to be started: what was recorded before stays, as far as it was not chosen anew."""
    known = choice.load(folder)
    runs = _keeper(folder) is not None
    if known is not None and runs:
        if replace(wanted, port=known.choice.port) != known.choice:
            raise UserError(
                f"another stack runs here: {_named(known.choice)}", where=str(folder.root),
                do="End it first: noria airflow down. Its data stay.",
            )  # fmt: skip
        return known
    names = ["api", *(["postgres", "broker"] if wanted.executor == "celery" else [])]
    names += ["epmd", "rabbitmq"] if wanted.broker == "rabbitmq" else []
    settled = ports.settle(names, {} if known is None else known.ports, wanted.port)
    kept = {**({} if known is None else known.ports), **settled}
    place = known.postgres if known is not None else _place_of_postgres(folder)
    return Stack(folder, wanted, kept, place, project, variables)


def _place_of_postgres(folder: Folder) -> Path:
    inside = folder.root / "postgres"
    if os.geteuid() != 0 or debian.reachable(inside):
        return inside
    name = hashlib.sha256(str(folder.root).encode()).hexdigest()[:12]
    return MACHINE / f"postgres-{name}"  # PostgreSQL does not run as root, and its account cannot get in here


def _named(wanted: Choice) -> str:
    if wanted.executor == "local":
        return "Airflow with the local executor"
    workers = f"{wanted.workers} worker{'s' if wanted.workers > 1 else ''}"
    return f"Airflow with Celery on {wanted.broker}, {workers}"


def _is_airflow(folder: Path) -> None:
    for name, lacks in (("Airflow", not (folder / "bin" / "airflow").exists()), ("noria", not environment.has(folder))):
        if lacks:
            raise UserError(
                f"there is no {name}", where=f"NORIA_AIRFLOW_ENVIRONMENT={folder}",
                do="Name a virtual environment with Airflow, and with noria installed by --no-deps; or unset it.",
            )  # fmt: skip


def _keeper(folder: Folder) -> Running | None:
    found = (choice.read(folder.root / "state.json") or {}).get("keeper")
    running = Running(**found) if found else None
    return running if running is not None and running.alive else None


def _start_keeper(folder: Folder) -> None:
    kept = {name: value for name, value in os.environ.items() if name != processes.MARK}
    words = [sys.executable, "-m", "noria.airflow.stack.keeper", str(folder.root)]
    with folder.log("keeper").open("ab") as log:
        subprocess.Popen(
            words, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True, env=kept, cwd=folder.root
        )


def _wait(folder: Folder, say: Say) -> Status:
    told: set[str] = set()
    end = time.monotonic() + UP_S
    while time.monotonic() < end:
        processes.reap()
        now = status(folder)
        for part in now.parts:
            if part.state == "ready" and part.name not in told:
                told.add(part.name)
                say(f"{part.name} is ready")
        if now.phase == "ready":
            return now
        if now.phase == "failed":
            raise Failure(now.trouble, where="noria airflow up", do="Then start it again; what was done is kept.")
        time.sleep(0.2)
    waiting = ", ".join(part.name for part in status(folder).parts if part.state != "ready") or "the keeper"
    raise Failure(
        f"{waiting} did not answer in {UP_S} s", where=str(folder.logs), do="See its log: noria airflow logs PART."
    )


@contextmanager
def _one_at_a_time(folder: Folder) -> Iterator[None]:
    with (folder.root / "command.lock").open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        yield
