"""What a browser is known by: a cookie that is signed with a secret of this home, and what goes with each form.

The cookie holds the id of a token, never its secret, and a random text of its own. It holds for half a day; a token
that is revoked meanwhile ends it, because tokens are looked at with each request.
"""

import hmac
import json
import secrets
from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import asdict, dataclass
from hashlib import sha256
from pathlib import Path

from noria.store import secret

COOKIE = "noria-session"
HOLDS_S = 12 * 3600


@dataclass(frozen=True, slots=True)
class Session:
    """``token``: the id of the token that was signed in with, empty if none was; ``since``: seconds since the epoch."""

    nonce: str
    since: int
    token: str = ""


class Signer:
    """Signs and reads back; the secret is a file that only its owner reads, made when it is first needed."""

    def __init__(self, file: Path) -> None:
        self._secret = secret.of(file)

    def begin(self, now: float, token: str = "") -> Session:
        return Session(secrets.token_urlsafe(16), int(now), token)

    def written(self, session: Session) -> str:
        """The cookie's value."""
        body = urlsafe_b64encode(json.dumps(asdict(session)).encode()).decode()
        return f"{body}.{self._sign('session', body)}"

    def read(self, value: str | None, now: float) -> Session | None:
        """The session of a cookie; None if nobody here wrote it, or it holds no more."""
        body, _, signature = (value or "").partition(".")
        if not hmac.compare_digest(self._sign("session", body).encode(), signature.encode()):
            return None
        found = Session(**json.loads(urlsafe_b64decode(body)))
        return found if now < found.since + HOLDS_S else None

    def form(self, session: Session) -> str:
        """What a form of this session carries, so that no other site can send it."""
        return self._sign("form", session.nonce)

    def is_form(self, session: Session, given: str) -> bool:
        return hmac.compare_digest(self.form(session).encode(), given.encode())

    def said(self, session: Session, text: str) -> str:
        """What goes with a text that the next page of this session says."""
        return self._sign("said", f"{session.nonce}:{text}")[:32]

    def _sign(self, what: str, text: str) -> str:
        return hmac.new(self._secret, f"{what}:{text}".encode(), sha256).hexdigest()
