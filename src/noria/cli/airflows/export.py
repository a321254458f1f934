"""noria airflow export FILE: a lifecycle as a DAG of Airflow."""

import os
import re
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

import typer

from noria.airflow.exported import EXECUTORS, GATES, Exported
from noria.cli import output
from noria.cli.airflows.pools import pools_for
from noria.compile import NEEDS
from noria.errors import UserError
from noria.plan import Plan
from noria.pools.pool import Pools
from noria.run.local import compile_file, load
from noria.run.place import Place
from noria.settings import Settings
from noria.store import orchestrated

DAG_FILE = '''"""noria's lifecycle {name} as a DAG. Written by 'noria airflow export', not to be edited."""

from pathlib import Path

from noria.airflow import dag, sweep

plan = Path(__file__).with_suffix(".json")
turns, sweeps = dag(plan), sweep(plan)
'''
MARK = "Written by 'noria airflow export'"
EVENT, HAND, NEVER = "asset", "hand", "never"
CRON = re.compile(r"@(hourly|daily|weekly|monthly|yearly)|\S+( \S+){4,5}")
AsJson = Annotated[bool, typer.Option("--json", help="Print the result as JSON.")]
Folder = Annotated[Path, typer.Option(help="Airflow's folder of DAG files.")]


def export(
    file: Annotated[Path, typer.Argument(help="The lifecycle file.")],
    dags_folder: Folder,
    executor: Annotated[str, typer.Option(help="Where steps run: local, celery or kubernetes.")] = "local",
    schedule: Annotated[
        list[str] | None,
        typer.Option(help="asset (events of the dataset), a cron expression, both, or hand."),
    ] = None,
    sweep: Annotated[
        str, typer.Option(help="When to look for lost events: a cron expression, or never.")
    ] = "*/15 * * * *",
    place: Annotated[list[str] | None, typer.Option(help="STEP=EXECUTOR, for a step that runs elsewhere.")] = None,
    larger: Annotated[
        list[str] | None, typer.Option(help="POOL=POOL: where a step goes that was out of memory.")
    ] = None,
    pools: Annotated[Path | None, typer.Option(help="File of the pools; Kubernetes needs it.")] = None,
    gates: Annotated[str, typer.Option(help="A gate that does not hold makes its task: fail or skip.")] = "fail",
    at_once: Annotated[int | None, typer.Option(min=1, help="Parts of a step at the same time; 1: in turn.")] = None,
    retries: Annotated[int, typer.Option(min=0, help="Further tries of what failed by no fault of the data.")] = 3,
    approval_hours: Annotated[float | None, typer.Option(help="A candidate waits so long, then is refused.")] = None,
    reviewer: Annotated[
        list[str] | None, typer.Option(help="Airflow's name of who may approve; default: anybody.")
    ] = None,
    pages: Annotated[str, typer.Option(help="Address of noria ui, for links from Airflow's tasks.")] = "",
    command: Annotated[str, typer.Option(help="How workers start noria; default: this installation.")] = "",
    json: AsJson = False,
) -> None:
    """Write the DAG of a lifecycle; exporting again replaces it, and writes nothing where nothing changed."""
    _one_of("--executor", executor, EXECUTORS)
    _one_of("--gates", gates, GATES)
    where = output.place_for(file)
    plan = compile_file(where, file, load(file))
    places = _pairs("--place", place, keys=tuple(NEEDS), values=EXECUTORS)
    declared = pools_for(plan, pools, executor, places)
    digest = where.artifacts.put(plan.to_json().encode())
    times = [one for one in schedule or [EVENT] if one not in (EVENT, HAND)]
    for one in [*times, *([sweep] if sweep != NEVER else [])]:
        _is_cron(one)
    _at_most_one(times)
    events = EVENT in (schedule or [EVENT])
    made = Exported(
        plan=plan,
        digest=digest.hex,
        command=tuple(command.split()) or _this(executor),
        folder=None if executor == "kubernetes" else str(file.resolve().parent),
        environment=_environment(where.settings, file, executor),
        executor=executor,
        placements=places,
        pools={} if declared is None else declared.to_plain(),
        larger={**_larger(declared), **_pairs("--larger", larger)},
        assets=events,
        cron=times[0] if times else "",
        sweep=sweep if events and sweep != NEVER else "",
        gates=gates,
        at_once=at_once,
        retries=retries,
        approval_hours=approval_hours,
        reviewers=tuple(reviewer or ()),
        pages=pages,
    )
    _keep(where, plan, digest.hex)
    dag_file = dags_folder / f"noria_{plan.lifecycle}.py"
    changed = [
        _write(dag_file.with_suffix(".json"), made.to_json()),
        _write(dag_file, DAG_FILE.format(name=plan.lifecycle)),
    ]
    if json:
        output.show_json({"dag": made.dag_id, "file": dag_file, "plan": digest.hex, "changed": any(changed)})
        return
    output.say(f"{'Wrote' if any(changed) else 'Nothing changed:'} {dag_file}, DAG {made.dag_id}.")
    if made.environment and "NORIA_DB" not in made.environment:  # pods have theirs from their pool's Secrets
        output.say("Workers need NORIA_DB in their environment: it holds a password, which is not written to the DAG.")


def remove(
    lifecycle: Annotated[str, typer.Argument(help="The lifecycle's name.")],
    dags_folder: Folder,
    json: AsJson = False,
) -> None:
    """Take a lifecycle's DAG out of Airflow's folder; what it made stays."""
    file = dags_folder / f"noria_{lifecycle}.py"
    if not file.is_file():
        there = [one.stem.removeprefix("noria_") for one in dags_folder.glob("noria_*.py")]
        raise output.unknown("exported lifecycle", lifecycle, there, where=str(dags_folder))
    if MARK not in file.read_text():
        raise UserError("this file is not noria's", where=str(file), do="Remove it yourself if it is to go.")
    for one in (file, file.with_suffix(".json")):  # a DAG file without its plan would be an import error
        one.unlink(missing_ok=True)
    if json:
        output.show_json({"removed": file})
    else:
        output.say(f"Removed {file}. Airflow keeps what it knows of its runs until the DAG is deleted there.")


def _larger(declared: Pools | None) -> dict[str, str]:
    return {} if declared is None else {pool.name: pool.larger for pool in declared.pools.values() if pool.larger}


def _keep(place: Place, plan: Plan, digest: str) -> None:
    with place.store.begin() as c:
        orchestrated.export(c, place.clock, plan, digest)


def _this(executor: str) -> tuple[str, ...]:
    """How this noria is started from another process; a pod has its own."""
    return ("noria",) if executor == "kubernetes" else (sys.executable, "-P", "-m", "noria.cli.main")


def _environment(settings: Settings, file: Path, executor: str) -> dict[str, str]:
    """Where the stores are, for workers; what holds a password is for their own environment."""
    if executor == "kubernetes":
        return {}
    found = {
        "NORIA_HOME": str(settings.home),
        "NORIA_ARTIFACTS": settings.artifacts,
        "NORIA_DATA": settings.data,
        "NORIA_PROJECT": str(file.resolve().parent),
    }
    return found if urlsplit(settings.db).password else {**found, "NORIA_DB": settings.db}


def _write(file: Path, text: str) -> bool:
    """Write a file at once, so that no half of it is ever parsed; True if it changed."""
    try:
        if file.is_file() and file.read_text() == text:
            return False
        fresh = file.with_name(f".{file.name}.{os.getpid()}")
        fresh.write_text(text)
        fresh.replace(file)
    except OSError as error:
        raise UserError(
            f"the DAG cannot be written: {error.strerror}",
            where=str(file),
            do="Give a folder that exists and that you may write: --dags-folder.",
        ) from error
    return True


def _one_of(option: str, value: str, known: Sequence[str]) -> None:
    if value not in known:
        raise UserError(f"{value!r} is not known", where=option, do=f"Use {', '.join(known)}.")


def _is_cron(text: str) -> None:
    if not CRON.fullmatch(text):
        raise UserError(f"{text!r} is no time", where="--schedule", do='Write for example "0 6 * * *", or asset.')


def _at_most_one(times: Sequence[str]) -> None:
    if len(times) > 1:
        raise UserError(f"{len(times)} times", where="--schedule", do="Give one cron expression, and asset or not.")


def _pairs(
    option: str, given: list[str] | None, keys: Sequence[str] = (), values: Sequence[str] = ()
) -> dict[str, str]:
    found = {}
    for one in given or ():
        key, sign, value = one.partition("=")
        if not sign or not key or not value:
            raise UserError(f"{one!r} is no pair", where=option, do="Write for example train=kubernetes.")
        if keys:
            _one_of(option, key, keys)
        if values:
            _one_of(option, value, values)
        found[key] = value
    return found
