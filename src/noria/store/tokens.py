"""API tokens: who may ask, answer and decide over the network. Of a token only the digest of its secret is kept.

A secret is 256 random bits, so one round of SHA-256 is enough: nothing can be guessed that a slow hash would protect.
"""

import re
import secrets
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from hmac import compare_digest

from sqlalchemy import Connection, insert, select, update

from noria.clock import Clock
from noria.errors import NotFound, UserError
from noria.store import audit
from noria.store.tables import token

ROLES = ("infer", "feedback", "release", "admin")
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@-]{0,99}")
PREFIX = "noria"


@dataclass(frozen=True, slots=True)
class Token:
    """What is known of a token: its public ``id`` and the SHA-256 of its secret, in hexadecimal.

    roles
        Some of ``infer``, ``feedback``, ``release`` and ``admin``; the last may do everything.
    """

    id: str
    name: str
    roles: tuple[str, ...]
    digest: str
    created_by: str
    created_at: datetime
    expires_at: datetime | None
    revoked_at: datetime | None

    def may(self, role: str) -> bool:
        return role in self.roles or "admin" in self.roles

    def holds(self, now: datetime) -> bool:
        """Neither revoked nor expired."""
        return self.revoked_at is None and (self.expires_at is None or now < self.expires_at)


class Keys:
    """All tokens there ever were, to find the holder of a secret. ``required``: there is one, so nobody comes without;
    that the last was revoked opens no door."""

    def __init__(self, tokens: Iterable[Token]) -> None:
        self._tokens = {one.id: one for one in tokens}
        self.required = bool(self._tokens)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Keys) and self._tokens == other._tokens

    __hash__ = None  # type: ignore[assignment]  # as of whatever is compared by what is in it

    def holder(self, given: str, now: datetime) -> Token | None:
        """The token that a text is, if it holds."""
        prefix, _, rest = given.partition("_")
        id, _, secret = rest.partition("_")
        found = self._tokens.get(id)
        if prefix != PREFIX or found is None or not compare_digest(_digest(secret), found.digest):
            return None
        return found if found.holds(now) else None


def create(
    connection: Connection,
    clock: Clock,
    name: str,
    roles: Collection[str],
    *,
    expires_at: datetime | None = None,
    actor: str,
    reason: str = "",
) -> tuple[Token, str]:
    """A new token, and its text, which is shown now and never again.

    Raises
    ------
    UserError
        If there is one of that name that holds, a role is unknown, or it would be expired already.
    """
    now = clock.now()
    _check(connection, name, roles, expires_at, now)
    secret, id = secrets.token_urlsafe(32), secrets.token_hex(6)
    ordered = tuple(role for role in ROLES if role in roles)
    made = Token(id, name, ordered, _digest(secret), actor, now, expires_at, None)
    connection.execute(insert(token).values(**{slot: getattr(made, slot) for slot in Token.__slots__}))
    after = {"id": id, "roles": list(ordered), "expires": None if expires_at is None else expires_at.isoformat()}
    audit.record(
        connection, clock, actor=actor, action="token created", subject=f"token:{name}", after=after, reason=reason
    )
    return made, f"{PREFIX}_{id}_{secret}"


def revoke(connection: Connection, clock: Clock, name: str, *, actor: str, reason: str = "") -> Token:
    """Let a token open nothing any more; the one of that name that holds.

    Raises
    ------
    NotFound
        If there is none.
    """
    held = [one for one in tokens(connection) if one.name == name and one.holds(clock.now())]
    if not held:
        raise NotFound(f"no token {name} that holds", where="tokens", do="See 'noria token list'.")
    connection.execute(update(token).where(token.c.id == held[0].id).values(revoked_at=clock.now()))
    before = {"id": held[0].id, "roles": list(held[0].roles)}
    audit.record(
        connection, clock, actor=actor, action="token revoked", subject=f"token:{name}", before=before, reason=reason
    )
    return held[0]


def tokens(connection: Connection) -> list[Token]:
    """All tokens there ever were, oldest first."""
    found = connection.execute(select(token).order_by(token.c.created_at, token.c.id)).mappings()
    return [Token(**{**row, "roles": tuple(row["roles"])}) for row in found]


def _check(
    connection: Connection, name: str, roles: Collection[str], expires_at: datetime | None, now: datetime
) -> None:
    unknown = sorted(set(roles) - set(ROLES))
    if unknown or not roles:
        what = f"unknown role {', '.join(unknown)}" if unknown else "a token without a role can do nothing"
        raise UserError(what, where="noria token", do=f"Use one or several of {', '.join(ROLES)}.")
    if not NAME.fullmatch(name):
        raise UserError(
            f"{name!r} is no name of a token", where="noria token", do="Use letters, digits, '.', '_', '@' and '-'."
        )
    if expires_at is not None and expires_at <= now:
        raise UserError(f"{expires_at.isoformat()} has passed", where="noria token", do="Give a later time.")
    if any(one.name == name and one.holds(now) for one in tokens(connection)):
        raise UserError(f"there is a token {name} already", where="tokens", do="Revoke it first, or choose a name.")


def _digest(secret: str) -> str:
    return sha256(secret.encode()).hexdigest()
