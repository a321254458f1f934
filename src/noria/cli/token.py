"""noria token: who may ask, answer and decide over the network."""

import re
from datetime import datetime, timedelta
from typing import Annotated

import typer

from noria.cli import output
from noria.errors import UserError
from noria.store import tokens

SPAN = re.compile(r"(\d{1,5})([hdwy])")
HOURS = {"h": 1, "d": 24, "w": 7 * 24, "y": 365 * 24}
app = output.app("API tokens: who may ask, answer and decide over the network.")
AsJson = Annotated[bool, typer.Option("--json", help="Print the result as JSON.")]
Reason = Annotated[str, typer.Option(help="Why; it goes on record.")]


@app.command()
def create(
    name: Annotated[str, typer.Argument(help="Whom it is for, such as shop or anna@example.org.")],
    role: Annotated[list[str], typer.Option(help=f"What it may do: {', '.join(tokens.ROLES)}; several times.")],
    expires: Annotated[str | None, typer.Option(help="After how long: 12h, 90d, 4w, 1y. Never if left out.")] = None,
    reason: Reason = "",
    json: AsJson = False,
) -> None:
    """Make a token and print it: now, and never again."""
    place = output.existing_place()
    ends = None if expires is None else place.clock.now() + _span(expires)
    with place.store.begin() as c:
        made, secret = tokens.create(
            c, place.clock, name, role, expires_at=ends, actor=place.settings.actor, reason=reason
        )
    if json:
        output.show_json({**_shown(made, place.clock.now()), "token": secret})
        return
    output.say(secret)
    output.say(f"It may {', '.join(made.roles)}. Only its digest is kept: it cannot be shown again.")
    output.say("Send it with every request: Authorization: Bearer " + secret[: len(tokens.PREFIX) + 14] + "…")


@app.command("list")
def list_(json: AsJson = False) -> None:
    """All tokens there ever were; none of them can be used from what this prints."""
    place = output.existing_place()
    with place.store.read() as c:
        found = [_shown(one, place.clock.now()) for one in tokens.tokens(c)]
    if json:
        output.show_json(found)
    else:
        columns = ["name", "id", "roles", "state", "by", "made", "expires"]
        output.show_table("Tokens", columns, [tuple(one.values()) for one in found])


@app.command()
def revoke(
    name: Annotated[str, typer.Argument(help="As in 'noria token list'.")], reason: Reason = "", json: AsJson = False
) -> None:
    """Let a token open nothing any more; servers follow within a second."""
    place = output.existing_place()
    with place.store.begin() as c:
        known = {one.name for one in tokens.tokens(c)}
        if name not in known:
            raise output.unknown("token", name, known, where="tokens")
        gone = tokens.revoke(c, place.clock, name, actor=place.settings.actor, reason=reason)
    if json:
        output.show_json({"name": gone.name, "id": gone.id, "revoked": True})
    else:
        output.say(f"Token {gone.name} opens nothing any more.")


def _shown(one: tokens.Token, now: datetime) -> dict[str, object]:
    state = "revoked" if one.revoked_at else "holds" if one.holds(now) else "expired"
    return {
        "name": one.name,
        "id": one.id,
        "roles": list(one.roles),
        "state": state,
        "by": one.created_by,
        "made": one.created_at,
        "expires": one.expires_at,
    }


def _span(text: str) -> timedelta:
    found = SPAN.fullmatch(text)
    if found is None:
        raise UserError(f"{text!r} is no span of time", where="--expires", do="Write for example 12h, 90d, 4w or 1y.")
    return timedelta(hours=int(found[1]) * HOURS[found[2]])


def command(words: list[str]) -> int:
    return output.run_app(app, "token", words)
