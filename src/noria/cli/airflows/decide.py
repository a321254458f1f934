"""noria airflow decide: a person's answer in Airflow's page goes on record."""

from typing import Annotated

import typer

from noria.cli import output
from noria.run import orchestrate


def decide(
    run: Annotated[str, typer.Argument(help="The noria run.")],
    answer: Annotated[str, typer.Option(help='JSON: {"approved": true, "who": …, "why": …}; null: nobody was asked.')],
    json: Annotated[bool, typer.Option("--json", help="Print the result as JSON.")] = False,
) -> None:
    """Approve or refuse the run's candidate. Exit code 3: it is refused."""
    found = orchestrate.decide(output.existing_place(), run, orchestrate.read_answer(answer))
    if json:
        output.show_json({"run": run, "said": found})
    else:
        output.say(found)
