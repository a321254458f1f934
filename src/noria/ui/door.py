"""Who looks, and what they may do: the token they signed in with, or everything from this machine where none exists."""

import ipaddress
import time
from dataclasses import dataclass
from datetime import UTC, datetime

from starlette.requests import Request

from noria.errors import Forbidden, Unauthenticated
from noria.run.place import Place
from noria.serve.door import is_near
from noria.store import tokens
from noria.ui.session import COOKIE, Session, Signer

SEE, RELEASE, ADMIN = "release", "release", "admin"  # roles: whoever may decide about releases may look at all of it
ANYBODY = "anybody"  # who decides where no token was ever made, from another machine


@dataclass(frozen=True, slots=True)
class Visitor:
    """``name`` goes on record with what is decided; ``free``: no token exists, and all is open."""

    name: str
    roles: tuple[str, ...]
    session: Session
    free: bool = False

    def may(self, role: str) -> bool:
        return self.free or role in self.roles or ADMIN in self.roles


@dataclass(frozen=True, slots=True)
class Door:
    """Looks at the tokens with every request, so that one that is revoked opens nothing any more."""

    place: Place
    signer: Signer

    def visitor(self, request: Request) -> Visitor:
        """Who sends a request.

        Raises
        ------
        Unauthenticated
            If a token is needed, and the session has none that holds.
        Forbidden
            If the token may not look at pages, or the address that is asked for is no name of this machine.
        """
        session = self.session(request)
        keys = self._keys()
        if not keys:
            near = request.client is not None and is_near(request.client.host)
            if near:
                _must_be_ours(request)
            return Visitor(self.place.settings.actor if near else ANYBODY, (), session, free=True)
        found = next((one for one in keys if one.id == session.token), None)
        if found is None or not found.holds(datetime.now(UTC)):
            raise Unauthenticated("you are not signed in, or no longer", where="pages", do="Sign in with a token.")
        if not found.may(SEE):
            said = ", ".join(found.roles)
            raise Forbidden(
                f"token {found.name} may {said}, not look at pages", where="pages", do=f"Use one for {SEE}."
            )
        return Visitor(found.name, found.roles, session)

    def session(self, request: Request) -> Session:
        """The request's session, or a new one without a token."""
        now = time.time()
        return self.signer.read(request.cookies.get(COOKIE), now) or self.signer.begin(now)

    def sign_in(self, given: str) -> Session | None:
        """A session for a token's text; None if it does not hold or may not look at pages."""
        found = tokens.Keys(self._keys()).holder(given.strip(), datetime.now(UTC))
        if found is None or not found.may(SEE):
            return None
        return self.signer.begin(time.time(), found.id)

    def _keys(self) -> list[tokens.Token]:
        with self.place.store.read() as c:
            return tokens.tokens(c)


def _must_be_ours(request: Request) -> None:
    """Where nobody signs in, a page of another site must not reach these under a name of its own."""
    host = request.url.hostname or ""
    try:
        near = ipaddress.ip_address(host).is_loopback
    except ValueError:
        near = host == "localhost"
    if not near:
        raise Forbidden(f"{host} is no name of this machine", where="pages", do="Use localhost, or make a token.")
