"""Who may come in: nobody needs a token until there is one, and from then on everybody does."""

import asyncio
from datetime import UTC, datetime, timedelta
from hashlib import sha256

import pytest

from noria.errors import Forbidden, StoreUnavailable, Unauthenticated
from noria.serve.door import Door, is_near
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


def test_tokens_are_followed_and_stay_as_they_were_while_the_store_is_away(caplog: pytest.LogCaptureFixture) -> None:
    there: list[list[Token] | Exception] = [[token("shop", "infer")]]
    mine, began = door(), asyncio.Event()

    def look() -> list[Token]:
        found = there[-1]
        if isinstance(found, Exception):
            raise found
        return found

    def opens() -> bool:
        try:
            return mine.check("Bearer noria_shop_secret", "infer") == "shop"
        except Unauthenticated:
            return False

    async def story(monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("noria.serve.door.POLL_S", 0.001)
        there.append(StoreUnavailable("the store is away", where="db", do="Wait."))
        work = asyncio.ensure_future(mine.follow(look, began))
        while not caplog.records:
            await asyncio.sleep(0.001)
        assert not began.is_set()
        there.append(there[0])
        await began.wait()
        assert opens()
        there.append(there[1])
        while len(caplog.records) < 2:
            await asyncio.sleep(0.001)
        assert opens()
        there.append([token("shop", "infer", revoked_at=NOW)])
        while opens():
            await asyncio.sleep(0.001)
        work.cancel()

    with pytest.MonkeyPatch.context() as patch:
        asyncio.run(asyncio.wait_for(story(patch), 60))


@pytest.mark.parametrize(
    ("address", "near"),
    [
        ("127.0.0.1:4000", True), ("127.0.0.1", True), ("[::1]:80", True), ("::1", True), ("localhost", True),
        ("10.0.0.1:4000", False), ("0.0.0.0", False), ("::", False), ("[2001:db8::1]:9", False), ("example.org", False),
        ("", False),
    ],
)  # fmt: skip
def test_only_an_address_of_this_machine_is_near(address: str, near: bool) -> None:
    assert is_near(address) is near
