"""noria model promote, rollback, history and live: who answers, who answered when, and by whose word."""

from typing import Annotated

import typer

from noria.cli import live as answered
from noria.cli import output
from noria.cli.model_find import AsJson, Model, Name, Reason, find, must_be_known
from noria.release import history as past
from noria.release import promote as promotion
from noria.store import routes

TIME = "2026-11-20T10:00"


def promote(name: Name, reason: Reason = "promoted by hand", json: AsJson = False) -> None:
    """Make a version the champion; all its endpoint's traffic goes to it."""
    place = output.existing_place()
    found = find(place, name)
    with place.store.begin() as c:
        route = promotion.promote(c, place.clock, found, actor=place.settings.actor, reason=reason)
    _say(route, json)


def rollback(
    name: Model,
    reason: Reason = "rolled back by hand",
    to_time: Annotated[str | None, typer.Option(help=f"Bring back all that was live then, such as {TIME}.")] = None,
    json: AsJson = False,
) -> None:
    """Make the champion before this one the champion again, or bring back what was live at a time."""
    place = output.existing_place()
    must_be_known(place, name)
    who = place.settings.actor
    with place.store.begin() as c:
        if to_time is None:
            route = promotion.rollback(c, place.clock, name, actor=who, reason=reason)
        else:
            at = past.moment(to_time, place.clock.now())
            route = promotion.restore(c, place.clock, name, at, actor=who, reason=reason)
    _say(route, json)


def history(name: Model, json: AsJson = False) -> None:
    """Which version was champion, challenger or shadow from when to when, who said so and why."""
    place = output.existing_place()
    must_be_known(place, name)
    with place.store.read() as c:
        found = past.history(c, name)
    if json:
        output.show_json(found)
        return
    rows = [
        (one.alias, f"{name}@{one.number}", one.since, one.until or "now", one.actor, one.reason, one.ended)
        for one in found
    ]
    heads = ["alias", "version", "from", "until", "by", "because", "ended by"]
    output.show_table(f"History of {name}", heads, rows)


def live(
    name: Model,
    at: Annotated[str | None, typer.Option(help=f"Such as {TIME}; now, if it is left out.")] = None,
    json: AsJson = False,
) -> None:
    """What answered at a time: versions by alias, how the traffic was divided, and who had decided so."""
    place = output.existing_place()
    must_be_known(place, name)
    answered.show(place, name, at, json=json)


def _say(route: routes.Route, json: bool) -> None:
    if json:
        output.show_json(route)
    else:
        output.say(f"{route.endpoint}: revision {route.revision}, weights {output.cell(route.weights)}")
