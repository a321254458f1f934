"""noria airflow down: end the stack, keep its data."""

from typing import Annotated

import typer

from noria.airflow.stack import control
from noria.cli import output
from noria.cli.airflows import here
from noria.cli.airflows.status import as_plain


def down(json: Annotated[bool, typer.Option("--json", help="Print the result as JSON.")] = False) -> int:
    """End the stack that was started here; its data stay for the next start."""
    found = control.down(here.folder(), (lambda text: None) if json else output.say)
    if json:
        output.show_json(as_plain(found))
    else:
        output.say("Airflow is down; its data are kept.")
    return 0
