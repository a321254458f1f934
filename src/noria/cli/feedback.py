"""noria feedback: labels and ratings for predictions."""

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from noria.cli import output
from noria.cli.endpoints import place_of
from noria.data.schema import Schema
from noria.errors import BadInput, UserError
from noria.run.place import Place
from noria.store import runs

if TYPE_CHECKING:
    from noria.feedback.look import Performance

KINDS = ("version", "variant", "slice", "window")
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

    place = place_of(endpoint)
    if not file.is_file():
        raise BadInput("there is no such file", where=str(file), do="Nothing was taken.")
    rows = bring(place.settings, place.clock, file, endpoint, lambda id: endpoint_of(id, [endpoint]) is not None)
    if json:
        output.show_json({"endpoint": endpoint, "rows": rows})
    else:
        output.say(f"{rows:,} feedback rows for {endpoint}")
    return 0


@app.command()
def show(
    endpoint: Endpoint,
    by: Annotated[str, typer.Option(help="What to tell apart: version, variant, slice or window.")] = "version",
    window: Annotated[str | None, typer.Option(help="Length of a time window, such as 1d; as declared.")] = None,
    html: Annotated[bool, typer.Option("--html", help="Write the page, and say where.")] = False,
    json: AsJson = False,
) -> int:
    """How good each version that answered really is, by labels and ratings, and estimated without; and its drift."""
    from noria.feedback.look import Asked, look
    from noria.feedback.look import length as duration

    if by not in KINDS:
        raise UserError(f"cannot tell apart by {by!r}", where="--by", do=f"Use {', '.join(KINDS)}.")
    place = place_of(endpoint)
    with place.store.read() as c:
        plans = [run.plan for run in runs.newest(c, endpoint)]
    asked = Asked.of_plan(plans[0]) if plans else Asked(Schema(label=""))
    if window is not None:
        asked = replace(asked, window=duration(window))
    found = look(place.settings, place.store, place.artifacts, endpoint, asked)
    if json:
        output.show_json(found.plain())
    elif html:
        output.say(str(_page(place, found)))
    else:
        _print(found, by)
    return 0


def _print(found: "Performance", by: str) -> None:
    from noria.feedback.report import main_metric, tabled

    metric = main_metric(found)
    heads, rows = tabled(found, by, metric)
    output.show_table(f"What is live: {found.endpoint}, by {by}", heads, rows)
    for shadow in found.shadows if by == "version" else ():
        agreed = "" if shadow.agreement is None else f"the same label for {shadow.agreement:.1%}, "
        output.say(
            f"version {shadow.measured.version} (shadow): {shadow.measured.predictions:,} copies, {agreed}"
            f"mean difference {output.cell(shadow.difference)}"
        )
    for drift in found.drift_over_time if by == "window" else found.drift:
        who = f"version {drift.version}" + (f", {drift.window}" if drift.window else "")
        for moved in drift.moved:
            output.say(f"{who}: {moved.column} moved ({output.cell(moved.measures)})")
        if drift.labels is not None:
            one = drift.labels
            output.say(f"{who}: the share of label {one.label} is {one.now:.0%} and was {one.before:.0%}")
    if found.late.early:
        output.say(f"{found.late.early:,} labels have a time before their prediction's: see to the clocks.")


def _page(place: Place, found: "Performance") -> Path:
    from noria.feedback.report import report

    place.settings.reports.mkdir(parents=True, exist_ok=True)
    path = place.settings.reports / f"feedback-{found.endpoint}.html"
    path.write_bytes(report(found))
    return path


def command(words: list[str]) -> int:
    return output.run_app(app, "feedback", words)
