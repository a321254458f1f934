"""Who may come in: the token that a request brings, and whether it may do what the request asks."""

from dataclasses import dataclass, field
from datetime import UTC, datetime

from noria.errors import Forbidden, Unauthenticated
from noria.store.tokens import Keys

SCHEME = "bearer "
INFER, FEEDBACK, ADMIN = "infer", "feedback", "admin"


@dataclass(slots=True)
class Door:
    """Open to all as long as no token was ever made; the server keeps ``keys`` as the store has them."""

    keys: Keys = field(default_factory=lambda: Keys([]))

    def check(self, authorization: str | None, role: str) -> str | None:
        """The name of the token that a request brought as ``Authorization: Bearer TOKEN``; None if none is needed.

        Raises
        ------
        Unauthenticated
            If there is no such token, or it was revoked or has expired.
        Forbidden
            If it may not do that.
        """
        if not self.keys.required:
            return None
        given = authorization or ""
        if given[: len(SCHEME)].lower() != SCHEME:
            raise Unauthenticated("the request brings no token", where="server", do="Send Authorization: Bearer TOKEN.")
        holder = self.keys.holder(given[len(SCHEME) :].strip(), datetime.now(UTC))
        if holder is None:
            raise Unauthenticated("the token does not hold", where="server", do="Ask for one: 'noria token create'.")
        if not holder.may(role):
            said = ", ".join(holder.roles)
            raise Forbidden(f"token {holder.name} may {said}, not {role}", where="server", do=f"Use one for {role}.")
        return holder.name
