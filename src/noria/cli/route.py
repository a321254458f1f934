"""noria route: how an endpoint's traffic is divided."""

from typing import Annotated

import typer

from noria.cli import output
from noria.errors import UserError
from noria.store import registry, routes

app = output.app("How an endpoint's traffic is divided between versions.")
AsJson = Annotated[bool, typer.Option("--json", help="Print the result as JSON.")]


@app.command()
def show(
    endpoint: Annotated[str | None, typer.Argument(help="All of them if left out.")] = None, json: AsJson = False
) -> None:
    """The weights in force, who set them and why."""
    place = output.existing_place()
    with place.store.read() as c:
        there = routes.all_newest(c)
    found = [route for route in there if endpoint in (None, route.endpoint)]
    if endpoint is not None and not found:
        raise output.unknown("endpoint", endpoint, [route.endpoint for route in there], where="routes")
    if json:
        output.show_json(found)
    else:
        rows = [(r.endpoint, r.revision, r.weights, r.actor, r.reason, r.at) for r in found]
        output.show_table("Routes", ["endpoint", "revision", "weights", "by", "why", "since"], rows)


@app.command("set")
def set_(
    endpoint: Annotated[str, typer.Argument()],
    weights: Annotated[list[str], typer.Argument(metavar="VERSION=WEIGHT", help="Such as 3=90 4=10.")],
    reason: Annotated[str, typer.Option(help="Why; it goes on record.")] = "set by hand",
    json: AsJson = False,
) -> None:
    """Set the weights; servers follow within a second."""
    place = output.existing_place()
    wanted = _weights(weights)
    with place.store.begin() as c:
        models = {one.model for one in registry.versions(c)}
        if endpoint not in models:
            raise output.unknown("model", endpoint, models, where="registry")
        for number in wanted:
            registry.version(c, endpoint, int(number))
        route = routes.set_weights(c, place.clock, endpoint, wanted, actor=place.settings.actor, reason=reason)
    if json:
        output.show_json(route)
    else:
        output.say(f"{route.endpoint}: revision {route.revision}, weights {output.cell(route.weights)}")


def _weights(texts: list[str]) -> dict[str, int]:
    found: dict[str, int] = {}
    for text in texts:
        version, weight = (output.number(part) for part in text.partition("=")[::2])
        if version is None or weight is None:
            raise UserError(
                f"{text!r} is not VERSION=WEIGHT", where="noria route set", do="Write for example 3=90 4=10."
            )
        if str(version) in found:
            raise UserError(f"version {version} has two weights", where="noria route set", do="Give it one.")
        found[str(version)] = weight
    if sum(found.values()) == 0:
        raise UserError("all weights are 0", where="noria route set", do="Give at least one version a weight.")
    return found


def command(words: list[str]) -> int:
    return output.run_app(app, "route", words)
