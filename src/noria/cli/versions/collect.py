"""noria data collect FILE: what arrived becomes a version, without a turn of the wheel."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from noria.cli import output
from noria.run import collecting


def collect(
    file: Annotated[Path, typer.Argument(help="The lifecycle file.")],
    json: Annotated[bool, typer.Option("--json", help="Print the result as JSON.")] = False,
) -> None:
    """Make a dataset version of what arrived, and tell Airflow if one is named; the wheel turns there."""
    found = collecting.collect(output.place_for(file), file)
    for trouble in found.troubles:
        print(f"noria: {trouble}", file=sys.stderr)
    facts, new = found.done.step.facts or {}, found.done.step.state == "done"
    if json:
        output.show_json({"run": found.run.id, "new": new, "dataset": facts["dataset"], "version": facts["version"],
                          "rows": facts["rows"]})  # fmt: skip
        return
    name = f"{facts['dataset']}@{facts['version']}"
    output.say(f"{name}: {facts['rows']:,} rows." if new else f"Nothing arrived since {name}.")
