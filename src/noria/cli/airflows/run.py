"""noria airflow begin, end, sweep: what the tasks around the steps call."""

import json as json_of
from typing import Annotated, Any

import typer

from noria.airflow.exported import run_id
from noria.cli import output
from noria.errors import UserError
from noria.run import announce, orchestrate
from noria.run.orchestrate import Asked

PlanDigest = Annotated[str, typer.Argument(metavar="PLAN", help="The exported plan's digest.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print the result as JSON.")]


def begin(
    plan: PlanDigest,
    dag: Annotated[str, typer.Option(help="Airflow's DAG.")],
    run: Annotated[str, typer.Option(help="Airflow's run of it.")],
    because: Annotated[str, typer.Option(help="Why Airflow started it: its type of run.")] = "manual",
    conf: Annotated[str, typer.Option(help='Its configuration as JSON: {"remedy": …, "reason": …}.')] = "{}",
    json: AsJson = False,
) -> None:
    """Open the run that an Airflow run turns; doing it again finds it. Exit code 6: there is nothing to do."""
    given = _configuration(conf)
    asked = Asked(dag, run, because.rpartition(".")[2].lower(), given.get("remedy"), given.get("reason"))
    place = output.place_for()
    found = orchestrate.begin(place, plan, asked, lambda lifecycle: run_id(lifecycle, dag, run))
    announce.run_began(place, found)
    if json:
        output.show_json({"run": found.id, "number": found.number, "state": found.state})
    else:
        output.say(f"{found.lifecycle} run {found.number} is {found.id}")


def end(
    run: Annotated[str, typer.Argument(help="The noria run.")],
    json: AsJson = False,
) -> None:
    """Close a run as what its steps came to: done, stopped, rejected or failed."""
    found = orchestrate.end(output.existing_place(), run)
    if json:
        output.show_json({"run": found.id, "state": found.state, "message": found.message})
    else:
        output.say(f"{found.lifecycle} run {found.number} is {found.state}")


def sweep(plan: PlanDigest, json: AsJson = False) -> None:
    """See whether something arrived that no run has taken. Exit code 6: nothing did."""
    found = orchestrate.sweep(output.place_for(), plan)
    if json:
        output.show_json({"found": found})
    else:
        output.say(found)


def _configuration(text: str) -> dict[str, Any]:
    try:
        found = json_of.loads(text) or {}
    except ValueError as error:
        raise UserError(f"{text!r} is no JSON", where="the run's configuration", do='Write {"remedy": "…"}.') from error
    unknown = sorted(set(found) - {"remedy", "reason"}) if isinstance(found, dict) else [text]
    if unknown:
        raise UserError(
            f"unknown {', '.join(unknown)}", where="the run's configuration", do="Known are remedy and reason."
        )
    return dict(found)
