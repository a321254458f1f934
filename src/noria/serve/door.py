"""Who may come in: the token that a request brings, and whether it may do what the request asks."""

import asyncio
import ipaddress
import logging
from collections.abc import Callable, Iterable
from datetime import UTC, datetime

from noria.errors import Forbidden, NoriaError, Unauthenticated
from noria.store.tokens import Keys, Token

log = logging.getLogger("noria.serve")
SCHEME = "bearer "
INFER, FEEDBACK, RELEASE = "infer", "feedback", "release"
OPEN, NEAR = "", "near"  # roles of a kind: everybody; whoever asks from this machine, or brings any token that holds
POLL_S = 0.25
MOST_KNOWN = 1000  # spellings of tokens that are remembered


class Door:
    """Open to all as long as no token was ever made. ``check`` is for any thread.

    A text that was found to be a token is remembered until the keys change: what it may do, and whether it has expired,
    is looked at every time.
    """

    def __init__(self, keys: Keys | None = None) -> None:
        self._keys = keys or Keys([])
        self._known: dict[str, Token] = {}
        self.required = self._keys.required

    async def follow(self, source: Callable[[], Iterable[Token]], began: asyncio.Event) -> None:
        """Look at the tokens for ever; while the store is away, those that were last seen stay. ``began`` is set once
        they are known."""
        trouble = ""
        while True:
            try:
                self.change(Keys(await asyncio.to_thread(source)))
                began.set()
                trouble = ""
            except Exception as error:  # whatever it is: to stop following would let revoked tokens in
                said = str(error) if isinstance(error, NoriaError) else f"{type(error).__name__}: {error}"
                if said != trouble:  # once, not four times a second
                    log.error("tokens cannot be followed: %s", said)
                trouble = said
            await asyncio.sleep(POLL_S)

    def change(self, keys: Keys) -> None:
        """From now on, these open."""
        if keys != self._keys:
            self._keys, self._known, self.required = keys, {}, keys.required

    def check(self, authorization: str | None, role: str) -> str | None:
        """The name of the token that a request brought as ``Authorization: Bearer TOKEN``; None if none is needed.

        Raises
        ------
        Unauthenticated
            If there is no such token, or it was revoked or has expired.
        Forbidden
            If it may not do that.
        """
        if role == OPEN or not self.required:
            return None
        now = datetime.now(UTC)
        holder = self._known.get(authorization or "")
        if holder is None or not holder.holds(now):
            holder = self._holder(authorization or "", now)
        if role != NEAR and not holder.may(role):
            said = ", ".join(holder.roles)
            raise Forbidden(f"token {holder.name} may {said}, not {role}", where="server", do=f"Use one for {role}.")
        return holder.name

    def _holder(self, given: str, now: datetime) -> Token:
        keys, known = self._keys, self._known  # a change puts others in their place
        if given[: len(SCHEME)].lower() != SCHEME:
            raise Unauthenticated("the request brings no token", where="server", do="Send Authorization: Bearer TOKEN.")
        holder = keys.holder(given[len(SCHEME) :].strip(), now)
        if holder is None:
            raise Unauthenticated("the token does not hold", where="server", do="Ask for one: 'noria token create'.")
        if len(known) < MOST_KNOWN:
            known[given] = holder
        return holder


def is_near(address: str) -> bool:
    """Whether an address, with its port or without, is one of this machine."""
    host = address.rpartition(":")[0] if address.count(":") == 1 or "]" in address else address
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host in ("localhost", "unix")
