"""noria feedback: labels and ratings for predictions."""

from pathlib import Path
from typing import Annotated

import typer

from noria.cli import output
from noria.cli.output import console
from noria.errors import NotFound
from noria.run.place import Place
from noria.store import routes, runs

app = output.app("Labels and ratings for predictions: import, show.")
Endpoint = Annotated[str, typer.Argument(help="The endpoint that gave the predictions, such as income.")]


@app.command("import")
def import_(
    endpoint: Endpoint,
    file: Annotated[Path, typer.Argument(help="CSV, Parquet or JSON lines: prediction, and label or rating or both.")],
) -> int:
    """Take feedback from a file: all of it or nothing; the same content again changes nothing."""
    from noria.feedback.bring import bring

    place = _known(endpoint)
    console.print(f"{bring(place.settings, place.clock, file, endpoint):,} feedback rows for {endpoint}")
    return 0


@app.command()
def show(
    endpoint: Endpoint, json: Annotated[bool, typer.Option("--json", help="Print the result as JSON.")] = False
) -> int:
    """How good each version that answered really is, by the labels that have arrived."""
    from noria.data import captured
    from noria.feedback.performance import measure

    place = _known(endpoint)
    with place.store.read() as c:
        plans = [run.plan for run in runs.newest(c, endpoint)]
    task = plans[0].step("collect").config["schema"]["task"] if plans else "classification"
    joined = captured.joined(place.settings, endpoint)
    found = measure(joined, task) if joined.height else []
    if json:
        output.show_json(found)
        return 0
    rows = [
        (
            one["version"],
            one["predictions"],
            one["labelled"],
            one["rating"],
            one.get("metrics", {}).get("accuracy") or one.get("metrics", {}).get("rmse"),
        )
        for one in found
    ]
    output.show_table(
        f"Live performance of {endpoint}", ["version", "predictions", "labelled", "rating", "accuracy or RMSE"], rows
    )
    return 0


def _known(endpoint: str) -> Place:
    place = output.existing_place()
    with place.store.read() as c:
        if routes.newest(c, endpoint) is None:
            there = ", ".join(one.endpoint for one in routes.all_newest(c)) or "none yet"
            raise NotFound(f"no endpoint {endpoint}", where="routes", do=f"There are: {there}.")
    return place


def command(words: list[str]) -> int:
    return output.run_app(app, "feedback", words)
