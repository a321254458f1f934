"""noria token: who may ask, answer and decide over the network."""

import sqlite3
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest

from noria.clock import SystemClock
from noria.store import tokens

from .conftest import Noria, place_of


def keys(folder: Path) -> tokens.Keys:
    place = place_of(folder)
    with place.store.read() as c:
        found = tokens.Keys(tokens.tokens(c))
    place.store.close()
    return found


def test_a_token_opens_what_its_roles_say_until_it_is_revoked(mine: Path, noria: Noria) -> None:
    assert not keys(mine).required
    made = noria("token", "create", "shop", "--role", "infer", "--role", "feedback", "--json").data
    now = SystemClock().now()
    held = keys(mine).holder(made["token"], now)
    assert held is not None
    assert [role for role in tokens.ROLES if held.may(role)] == ["infer", "feedback"]
    assert noria("token", "revoke", "shop", "--reason", "it leaked").out == "Token shop opens nothing any more.\n"
    assert keys(mine).holder(made["token"], now) is None
    assert keys(mine).required  # the last is gone, and the door is not open for that


def test_an_admin_may_everything_and_time_ends_a_token(mine: Path, noria: Noria) -> None:
    made = noria("token", "create", "boss", "--role", "admin", "--expires", "2w", "--json").data
    now = SystemClock().now()
    held = keys(mine).holder(made["token"], now)
    assert held is not None
    assert all(held.may(role) for role in tokens.ROLES)
    assert keys(mine).holder(made["token"], now + timedelta(weeks=2)) is None


@pytest.mark.parametrize("change", [str.upper, lambda text: text[:-1], lambda text: "x" + text, lambda text: ""])
def test_nothing_but_the_very_text_opens(mine: Path, noria: Noria, change) -> None:  # type: ignore[no-untyped-def]
    made = noria("token", "create", "shop", "--role", "infer", "--json").data
    assert keys(mine).holder(change(made["token"]), SystemClock().now()) is None


def test_the_secret_is_shown_once_and_kept_nowhere(mine: Path, noria: Noria) -> None:
    said = noria("token", "create", "shop", "--role", "infer").out
    text, secret = said.splitlines()[0], said.splitlines()[0].split("_", 2)[2]
    assert "Only its digest is kept" in said
    assert secret not in noria("token", "list", "--json").out
    assert secret not in noria("audit", "export").out
    with closing(sqlite3.connect(mine / ".noria" / "noria.db")) as connection:
        assert secret not in "".join(connection.iterdump())
    last = noria("audit", "show", "--most", 1, "--json").data[0]
    assert (last["action"], last["subject"], last["after"]["roles"]) == ("token created", "token:shop", ["infer"])
    assert text.startswith("noria_")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["create", "shop", "--role", "root"], "unknown role root (noria token). Use one or several of infer,"),
        (["create", "a b", "--role", "infer"], "'a b' is no name of a token"),
        (["create", "shop", "--role", "infer", "--expires", "soon"], "'soon' is no span of time (--expires)."),
        (["create", "shop", "--role", "infer", "--expires", "0d"], "has passed"),
        (["create", "there", "--role", "infer"], "there is a token there already"),
        (["revoke", "ther"], "no token ther (tokens). Did you mean there?"),
    ],
    ids=lambda one: " ".join(one) if isinstance(one, list) else "",
)
def test_a_mistake_is_one_sentence_and_changes_nothing(mine: Path, noria: Noria, words: list[str], said: str) -> None:
    noria("token", "create", "there", "--role", "infer")
    before = noria("token", "list").out
    ended = noria("token", *words)
    assert (ended.code, ended.out) == (2, "")
    assert said in ended.said
    assert noria("token", "list").out == before
