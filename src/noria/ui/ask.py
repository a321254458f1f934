"""What a page is asked with, what it answers, and what it says when a person was overtaken."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from starlette.requests import Request

from noria.errors import BadInput, Forbidden, Overtaken
from noria.run.place import Place
from noria.store import audit
from noria.store.verdicts import Person
from noria.ui.door import Visitor
from noria.ui.slow import Slow
from noria.ui.turns import Turns

LONGEST = 2_000  # characters of a reason


@dataclass(frozen=True, slots=True)
class Ask:
    """One request of one visitor. ``form`` is empty unless something is to be done."""

    place: Place
    visitor: Visitor
    request: Request
    slow: Slow
    turns: Turns
    form: Mapping[str, Sequence[str]] = field(default_factory=dict)

    def name(self, key: str) -> str:
        """A part of the address."""
        return str(self.request.path_params[key])

    def query(self, key: str, default: str = "") -> str:
        """What stands behind the question mark of the address."""
        return self.request.query_params.get(key, default)

    def number(self, key: str, default: int) -> int:
        """The same as a whole number; the default where it is none."""
        text = self.query(key)
        return int(text) if text.isdecimal() and len(text) < 10 else default

    def given(self, key: str, default: str = "") -> str:
        """A field of the form."""
        return (self.form.get(key) or [default])[0]

    def person(self) -> Person:
        """Who decides, and why; ``BadInput`` if no reason is given."""
        reason = self.given("reason").strip()
        if not reason:
            raise BadInput("no reason is given", where="form", do="Say why; it goes on record.")
        if len(reason) > LONGEST:
            raise BadInput(f"the reason has {len(reason):,} characters", where="form", do=f"Use at most {LONGEST:,}.")
        return Person(self.visitor.name, reason)

    def must(self, role: str) -> None:
        """``Forbidden`` unless the visitor may do that."""
        if not self.visitor.may(role):
            said = ", ".join(self.visitor.roles)
            raise Forbidden(
                f"token {self.visitor.name} may {said}, not {role}", where="pages", do=f"Sign in with one for {role}."
            )

    def seen(self, connection: Any, *beginnings: str) -> None:
        """``Overtaken`` if anything about these subjects was put on record since the form was shown.

        To be called first in the transaction that decides.
        """
        audit.hold(connection)
        expected, now = self.given("expected", "0"), audit.mark(connection, *beginnings)
        if expected == str(now):
            return
        last = audit.entry(connection, now)
        said = f"{last.actor} did it: {last.action} ({last.reason})" if last else "it was decided"
        raise Overtaken(f"while you looked, {said}", where="pages", do="Nothing was changed; look again.")


@dataclass(frozen=True, slots=True)
class Shown:
    """A page: which template, the values in it, which are also its JSON; how it went."""

    template: str
    values: Mapping[str, Any]
    status: int = 200


@dataclass(frozen=True, slots=True)
class Gone:
    """Something was done: where to look next, and what is said there."""

    to: str
    said: str


@dataclass(frozen=True, slots=True)
class File:
    """Bytes as they are."""

    data: bytes
    media: str
    name: str = ""


View = Callable[[Ask], Shown | File]
Act = Callable[[Ask], Gone | Shown]
