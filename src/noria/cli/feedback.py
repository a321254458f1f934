"""noria feedback: labels and ratings for predictions."""

from pathlib import Path
from typing import Annotated

import typer

from noria.cli import output
from noria.errors import BadInput
from noria.run.place import Place
from noria.store import routes, runs

app = output.app("Labels and ratings for predictions: import, show.")
AsJson = Annotated[bool, typer.Option("--json", help="Print the result as JSON.")]
Endpoint = Annotated[str, typer.Argument(help="The endpoint that gave the predictions, such as income.")]


@app.command("import")
def import_(
    endpoint: Endpoint,
    file: Annotated[Path, typer.Argument(help="CSV, Parquet or JSON lines: prediction, and label or rating or both.")],
    json: AsJson = False,
) -> int:
    """Take feedback from a file: all of it or nothing; the same content again changes nothing."""
    from noria.feedback.bring import bring
    from noria.serve.ids import endpoint_of

    place = _known(endpoint)
    if not file.is_file():
        raise BadInput("there is no such file", where=str(file), do="Nothing was taken.")
    rows = bring(place.settings, place.clock, file, endpoint, lambda id: endpoint_of(id, [endpoint]) is not None)
    if json:
        output.show_json({"endpoint": endpoint, "rows": rows})
    else:
        output.say(f"{rows:,} feedback rows for {endpoint}")
    return 0


@app.command()
def show(endpoint: Endpoint, json: AsJson = False) -> int:
    """How good each version that answered really is, by the labels that have arrived."""
    from noria.data import captured
    from noria.feedback.performance import measure
    from noria.feedback.shadow import compare

    place = _known(endpoint)
    with place.store.read() as c:
        plans = [run.plan for run in runs.newest(c, endpoint)]
    task = plans[0].step("collect").config["schema"]["task"] if plans else "classification"
    joined = captured.joined(place.settings, endpoint)
    found = measure(joined, task) if joined.height else []
    found += compare(captured.shadowed(place.settings, endpoint), task)
    if json:
        output.show_json(found)
        return 0
    rows = [
        (
            f"{one['version']} (shadow)" if one.get("shadow") else one["version"],
            one["predictions"],
            one["labelled"],
            one["rating"],
            one.get("metrics", {}).get("accuracy") or one.get("metrics", {}).get("rmse"),
            one.get("agreement"),
            one.get("difference"),
        )
        for one in found
    ]
    columns = ["version", "predictions", "labelled", "rating", "accuracy or RMSE", "agreement", "difference"]
    output.show_table(f"Live performance of {endpoint}", columns, rows)
    return 0


def _known(endpoint: str) -> Place:
    place = output.existing_place()
    with place.store.read() as c:
        there = [one.endpoint for one in routes.all_newest(c)]
    if endpoint not in there:
        raise output.unknown("endpoint", endpoint, there, where="routes")
    return place


def command(words: list[str]) -> int:
    return output.run_app(app, "feedback", words)
