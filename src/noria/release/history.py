"""What a model's aliases and its route were, from when to when, by whose word: read from the audit log."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy import Connection

from noria.errors import NotFound, UserError
from noria.store import audit, routes
from noria.store.routes import Route


@dataclass(frozen=True, slots=True)
class Span:
    """An alias stood at a version: ``until`` is None as long as it does; ``ended`` says why it does no more."""

    alias: str
    number: int
    since: datetime
    until: datetime | None
    actor: str
    reason: str
    ended: str | None = None

    def holds(self, at: datetime) -> bool:
        return self.since <= at and (self.until is None or at < self.until)


@dataclass(frozen=True, slots=True)
class Live:
    """What answered for a model at a time: versions by alias, and the route in force, if there was one."""

    at: datetime
    aliases: Mapping[str, int]
    route: Route | None


def spans(entries: Iterable[audit.Entry], model: str) -> list[Span]:
    """When each alias of a model stood where, oldest first."""
    found: list[Span] = []
    standing: dict[str, int] = {}  # alias → place in ``found`` of the span that has not ended
    for one in entries:
        word, _, alias = one.action.partition(" ")
        if word != "alias" or one.subject != f"model:{model}":
            continue
        at = datetime.fromisoformat(one.at)
        if alias in standing:
            place = standing.pop(alias)
            found[place] = replace(found[place], until=at, ended=f"{one.actor}: {one.reason}")
        if one.after is not None:
            standing[alias] = len(found)
            found.append(Span(alias, int(one.after), at, None, one.actor, one.reason))
    return found


def history(connection: Connection, model: str) -> list[Span]:
    """When each alias of a model stood where, oldest first."""
    return spans(audit.about(connection, f"model:{model}"), model)


def live(connection: Connection, model: str, at: datetime) -> Live:
    """What answered for a model at a time.

    Raises
    ------
    NotFound
        If nothing did yet.
    """
    aliases = {one.alias: one.number for one in history(connection, model) if one.holds(at)}
    revisions = [one for one in routes.history(connection, model) if one.at <= at]
    if not aliases:
        raise NotFound(
            f"nothing of {model} was live at {at.astimezone():%Y-%m-%d %H:%M:%S}",
            where="registry",
            do=f"See 'noria model history {model}'.",
        )
    return Live(at, aliases, revisions[-1] if revisions else None)


def moment(text: str, now: datetime) -> datetime:
    """A time that a person wrote, in the local zone unless it names one; without a fraction it is that whole second.

    Histories show whole seconds: what they show as the beginning of a version finds that version.

    Raises
    ------
    UserError
        If it is no time, or not past.
    """
    try:
        found = datetime.fromisoformat(text.strip())
    except ValueError as error:
        raise UserError(f"{text!r} is no time", where="time", do="Write it as 2026-11-20T10:00.") from error
    if "." not in text:
        found = found.replace(microsecond=999_999)
    if found.astimezone().replace(microsecond=0) > now:
        raise UserError(f"{text} is not past", where="time", do="Give a time that has been.")
    return found.astimezone()
