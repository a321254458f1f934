"""noria report: how fast and how safely a lifecycle goes round, and what of the hierarchy of needs it covers."""

from pathlib import Path
from typing import Annotated

import typer

from noria.cli import output
from noria.governance import standing as standings
from noria.governance import standing_page as pages
from noria.governance.standing import Standing
from noria.run import local
from noria.run.place import Place

app = output.app("How fast and how safely a lifecycle goes round; what it does by itself, and what is missing.")
STYLES = {"automatic": "", "partly": " (partly)", "missing": " (missing)"}


@app.command()
def report(
    which: Annotated[str | None, typer.Argument(metavar="[FILE|LIFECYCLE]", help="All lifecycles if left out.")] = None,
    json: Annotated[bool, typer.Option("--json", help="Print the result as JSON.")] = False,
    html: Annotated[bool, typer.Option("--html", help="Write a page for each.")] = False,
) -> None:
    """Print the figures of the loop, from the records."""
    file = Path(which) if which is not None and which.endswith(".py") else None
    place = output.place_for(file) if file is not None else output.existing_place()
    found = [standings.standing(place, name) for name in _names(place, which, file)]
    if html:
        files = [_written(place, one) for one in found]
        if json:
            output.show_json([str(one) for one in files])
        else:
            output.say("\n".join(f"The report: {one}" for one in files))
    elif json:
        output.show_json([standings.plain(one) for one in found])
    else:
        for one in found:
            _show(one)


def _names(place: Place, which: str | None, file: Path | None) -> list[str]:
    if file is not None:
        return [local.load(file).lifecycle.name]
    known = standings.lifecycles(place)
    if which is not None and which not in known:
        raise output.unknown("lifecycle", which, known, where="noria report")
    if not known:
        output.say("No lifecycle ever ran here.")
    return known if which is None else [which]


def _show(one: Standing) -> None:
    output.show_table(f"The loop of {one.lifecycle}", ["", "", "of"], pages.rows(one.loop))
    output.say("")
    output.say("What it covers, from the ground up:")
    for layer in one.layers:
        output.say(f"  {layer.name}{STYLES[layer.state]}")
        for text in layer.does:
            output.say(f"    + {text}")
        for text in layer.missing:
            output.say(f"    - {text}")


def _written(place: Place, one: Standing) -> Path:
    file = place.settings.reports / f"loop-{one.lifecycle}.html"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(pages.html(one))
    return file


def command(words: list[str]) -> int:
    return output.run_app(app, "report", words) if words else output.run_app(app, "report", ["--"])
