"""noria route: how an endpoint's traffic is divided."""

from typing import Annotated

import typer
from sqlalchemy import Connection

from noria.cli import output
from noria.cli.endpoints import place_of
from noria.errors import UserError
from noria.store import registry, routes

app = output.app("How an endpoint's traffic is divided between versions.")
AsJson = Annotated[bool, typer.Option("--json", help="Print the result as JSON.")]


@app.command()
def show(
    endpoint: Annotated[str | None, typer.Argument(help="All of them if left out.")] = None, json: AsJson = False
) -> None:
    """The weights in force, who set them and why."""
    place = output.existing_place() if endpoint is None else place_of(endpoint)
    with place.store.read() as c:
        found = [route for route in routes.all_newest(c) if endpoint in (None, route.endpoint)]
    if json:
        output.show_json(found)
    else:
        rows = [
            (
                r.endpoint,
                r.revision,
                r.weights,
                r.shadow,
                f"{r.explore:.0%}" if r.explore else "",
                r.actor,
                r.reason,
                r.at,
            )
            for r in found
        ]
        output.show_table(
            "Routes", ["endpoint", "revision", "weights", "shadow", "by chance", "by", "why", "since"], rows
        )


@app.command("set")
def set_(
    endpoint: Annotated[str, typer.Argument()],
    weights: Annotated[
        list[str] | None, typer.Argument(metavar="VERSION=WEIGHT", help="Such as 3=90 4=10; as they are if left out.")
    ] = None,
    shadow: Annotated[
        list[int] | None, typer.Option(help="A version that gets copies of requests and answers nobody; repeatable.")
    ] = None,
    no_shadow: Annotated[bool, typer.Option("--no-shadow", help="No version gets copies any more.")] = False,
    explore: Annotated[
        float | None, typer.Option(help="Share of requests whose version chance draws, 0 to 1; as it is if left out.")
    ] = None,
    reason: Annotated[str, typer.Option(help="Why; it goes on record.")] = "set by hand",
    json: AsJson = False,
) -> None:
    """Set the weights; servers follow within a second."""
    place = output.existing_place()
    wanted = _weights(weights) if weights else {}
    beside = [] if no_shadow else shadow or None
    if explore is not None and not 0 <= explore <= 1:
        raise UserError(f"{explore:g} is no share", where="--explore", do="Write for example 0.05; 0 ends it.")
    with place.store.begin() as c:
        models = {one.model for one in registry.versions(c)}
        if endpoint not in models:
            raise output.unknown("model", endpoint, models, where="registry")
        wanted = wanted or _in_force(c, endpoint, other=beside is not None or explore is not None)
        for number in [*map(int, wanted), *(beside or [])]:
            registry.version(c, endpoint, number)
        _check(wanted, beside or [])
        route = routes.set_weights(
            c,
            place.clock,
            endpoint,
            wanted,
            actor=place.settings.actor,
            reason=reason,
            shadow=beside,
            explore=explore,
        )
    if json:
        output.show_json(route)
    else:
        said = f"{route.endpoint}: revision {route.revision}, weights {output.cell(route.weights)}"
        drawn = f", {route.explore:.1%} by chance" if route.explore else ""
        output.say(said + (f", shadow {', '.join(map(str, route.shadow))}" if route.shadow else "") + drawn)


def _in_force(connection: Connection, endpoint: str, *, other: bool) -> dict[str, int]:
    """The weights as they are, for who changes only something ``other``."""
    found = routes.newest(connection, endpoint)
    if not other or found is None:
        raise UserError("there are no weights", where="noria route set", do="Write for example 3=90 4=10.")
    return dict(found.weights)


def _check(weights: dict[str, int], shadow: list[int]) -> None:
    for number in shadow:
        if weights.get(str(number), 0) > 0:
            raise UserError(
                f"version {number} answers, and cannot be a shadow", where="noria route set", do="Name another."
            )


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
