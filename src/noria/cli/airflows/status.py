"""noria airflow status: which parts of the stack run."""

from datetime import UTC, datetime
from typing import Annotated, Any

import typer

from noria.airflow.stack import control
from noria.airflow.stack.control import Status
from noria.cli import output
from noria.cli.airflows import here


def status(json: Annotated[bool, typer.Option("--json", help="Print the result as JSON.")] = False) -> int:
    """Which parts run, since when, and how often they were started again; exit code 1 if the stack is not whole."""
    found = control.status(here.folder())
    if json:
        output.show_json(as_plain(found))
    else:
        show(found)
        if found.trouble:
            output.say(found.trouble)
    return 0 if found.phase == "ready" else 1


def show(found: Status) -> None:
    """The parts as a table."""
    choice = found.stack.choice
    what = "local executor" if choice.executor == "local" else f"Celery on {choice.broker}, {choice.workers} workers"
    rows = [(part.name, part.state, part.pid, _time(part.since), part.restarts) for part in found.parts]
    output.show_table(f"Airflow, {what}: {found.phase}", ["part", "state", "process", "since", "restarts"], rows)


def as_plain(found: Status) -> dict[str, Any]:
    """A stack as JSON shows it; no secrets."""
    stack = found.stack
    return {
        "phase": found.phase,
        "trouble": found.trouble or None,
        "url": stack.url,
        "executor": stack.choice.executor,
        "broker": stack.choice.broker or None,
        "ports": dict(stack.ports),
        "dags_folder": str(stack.folder.dags),
        "passwords": str(stack.folder.root / "passwords.json"),
        "parts": [
            {
                "name": part.name, "state": part.state, "pid": part.pid, "since": _time(part.since),
                "restarts": part.restarts, "log": str(part.log),
            }
            for part in found.parts
        ],
    }  # fmt: skip


def _time(seconds: float | None) -> datetime | None:
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC)
