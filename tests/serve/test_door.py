"""Who may come in: nobody needs a token until there is one, and from then on everybody does."""

from datetime import UTC, datetime, timedelta
from hashlib import sha256

import pytest

from noria.errors import Forbidden, Unauthenticated
from noria.serve.door import Door
from noria.store.tokens import Keys, Token

NOW = datetime.now(UTC)


def token(name: str, *roles: str, **times: datetime | None) -> Token:
    ends = {"expires_at": None, "revoked_at": None, **times}
    return Token(name, name, roles, sha256(b"secret").hexdigest(), "ann", NOW, **ends)


def door(*tokens: Token) -> Door:
    return Door(Keys(tokens))


@pytest.mark.parametrize("brought", [None, "", "Bearer noria_shop_secret"])
def test_without_any_token_all_may_come_in(brought: str | None) -> None:
    assert door().check(brought, "admin") is None


@pytest.mark.parametrize("brought", ["Bearer noria_shop_secret", "bearer  noria_shop_secret "])
def test_a_token_opens_what_its_roles_say(brought: str) -> None:
    mine = door(token("shop", "infer", "feedback"))
    assert mine.check(brought, "infer") == mine.check(brought, "feedback") == "shop"
    with pytest.raises(Forbidden, match="token shop may infer, feedback, not admin"):
        mine.check(brought, "admin")


@pytest.mark.parametrize(
    "brought",
    [None, "", "Bearer", "Basic noria_shop_secret", "Bearer noria_shop_other", "Bearer x_shop_secret", "Bearer é"],
)
def test_anything_else_is_nobody(brought: str | None) -> None:
    with pytest.raises(Unauthenticated):
        door(token("shop", "infer")).check(brought, "infer")


@pytest.mark.parametrize(
    "ended", [{"expires_at": NOW - timedelta(seconds=1)}, {"revoked_at": NOW}], ids=["expired", "revoked"]
)
def test_the_end_of_the_last_token_opens_no_door(ended: dict[str, datetime]) -> None:
    mine = door(token("shop", "infer", **ended))
    for brought in (None, "Bearer noria_shop_secret"):
        with pytest.raises(Unauthenticated):
            mine.check(brought, "infer")
