"""Who may look and decide: tokens and roles, sessions, forms of other sites."""

import base64
import json
import os
import re
import stat
import time
from pathlib import Path

import pytest

from noria.store import audit, tokens
from noria.ui import session
from noria.ui.session import COOKIE, HOLDS_S, Session, Signer

from .conftest import Browser, open_browser

ABOUT = {"actor": "tester", "reason": "for a test"}


def token(browser: Browser, name: str, role: str) -> str:
    with browser.place.store.begin() as c:
        return tokens.create(c, browser.place.clock, name, [role], **ABOUT)[1]


def sign_in(browser: Browser, secret: str, back: str = "/") -> object:
    text = browser.page("/sign-in").text
    form = re.search(r'name="form" value="([0-9a-f]+)"', text)
    assert form is not None
    return browser.post("/sign-in", {"form": form[1], "token": secret, "back": back})


def test_without_any_token_this_machine_may_everything(mine: Browser) -> None:
    assert mine.page("/").status_code == 200
    assert "Sign out" not in mine.page("/").text


def test_a_site_of_another_name_that_leads_here_gets_nothing(mine: Browser) -> None:
    answer = mine.page("/", host="evil.example")
    assert answer.status_code == 403
    assert "no name of this machine" in answer.text


def test_with_a_token_one_signs_in_and_decides_by_its_name(mine: Browser) -> None:
    secret = token(mine, "anna", "release")
    away = mine.client.get("/model", headers={"accept": "text/html"}, follow_redirects=False)
    assert away.headers["location"] == "/sign-in?back=/model&expired=1" or away.headers["location"].startswith(
        "/sign-in"
    )
    assert mine.client.get("/model", headers={"accept": "application/json"}).status_code == 401
    done = sign_in(mine, secret, "/model")
    assert done.headers["location"] == "/model"  # type: ignore[attr-defined]
    assert "anna" in mine.page("/").text
    assert mine.send("/model/loans@2", "/model/loans@2/promote", reason="better").status_code == 303
    with mine.place.store.read() as c:
        assert audit.newest(c, 1)[-1].actor == "anna"


def test_the_cookie_is_http_only_same_site_and_holds_no_secret(mine: Browser) -> None:
    secret = token(mine, "anna", "release")
    cookie = sign_in(mine, secret).headers["set-cookie"]  # type: ignore[attr-defined]
    assert "HttpOnly" in cookie
    assert "SameSite=lax" in cookie
    assert secret.rpartition("_")[2] not in cookie
    safe = open_browser(mine.place, base="https://localhost")
    assert "Secure" in sign_in(safe, secret).headers["set-cookie"]  # type: ignore[attr-defined]


@pytest.mark.parametrize("role", ["infer", "feedback"])
def test_a_token_of_an_application_opens_no_page(mine: Browser, role: str) -> None:
    refused = sign_in(mine, token(mine, "shop", role))
    assert refused.status_code == 401  # type: ignore[attr-defined]
    assert "may not look at pages" in refused.text  # type: ignore[attr-defined]


def test_a_wrong_token_and_one_that_is_gone_open_nothing(mine: Browser) -> None:
    secret = token(mine, "anna", "release")
    assert sign_in(mine, secret + "x").status_code == 401  # type: ignore[attr-defined]
    sign_in(mine, secret)
    assert mine.page("/").status_code == 200
    with mine.place.store.begin() as c:
        tokens.revoke(c, mine.place.clock, "anna", **ABOUT)
    assert "You are not signed in, or no longer" in mine.page("/").text
    assert mine.client.get("/", headers={"accept": "application/json"}).status_code == 401


def test_only_an_admin_erases(mine: Browser) -> None:
    sign_in(mine, token(mine, "anna", "release"))
    assert "Only a token of the role admin" in mine.page("/erase").text
    form = re.search(r'name="form" value="([0-9a-f]+)"', mine.page("/").text)
    assert form is not None
    assert mine.post("/erase/look", {"form": form[1], "subject": "a000001"}).status_code == 403
    sign_in(mine, token(mine, "root", "admin"))
    assert "Look, change nothing" in mine.page("/erase").text


def test_an_expired_session_is_told_and_nothing_is_changed(mine: Browser, monkeypatch: pytest.MonkeyPatch) -> None:
    sign_in(mine, token(mine, "anna", "release"))
    form = re.search(r'name="form" value="([0-9a-f]+)"', mine.page("/model/loans@2").text)
    assert form is not None
    monkeypatch.setattr(session, "HOLDS_S", -1)
    late = mine.client.post(
        "/model/loans@2/promote", data={"form": form[1], "reason": "x"}, headers={"accept": "text/html"}
    )
    assert "Nothing was changed" in late.text
    with mine.place.store.read() as c:
        assert audit.newest(c, 1)[-1].action == "token created"


@pytest.mark.parametrize("form", ["", "0" * 64, "é"])
def test_a_form_that_is_not_of_this_session_is_refused(mine: Browser, form: str) -> None:
    mine.page("/")
    answer = mine.post("/model/loans@2/promote", {"form": form, "reason": "x", "expected": "0"})
    assert answer.status_code == 403
    assert "not of this session" in answer.text


def test_another_session_s_form_is_refused(mine: Browser) -> None:
    other = open_browser(mine.place)
    form = re.search(r'name="form" value="([0-9a-f]+)"', other.page("/model/loans@2").text)
    assert form is not None
    mine.page("/")
    assert mine.post("/model/loans@2/promote", {"form": form[1], "reason": "x"}).status_code == 403


@pytest.mark.parametrize("back", ["//evil.example", "https://evil.example/", "/\\evil.example", "javascript:alert(1)"])
def test_signing_in_leads_to_no_other_site(mine: Browser, back: str) -> None:
    assert sign_in(mine, token(mine, "anna", "release"), back).headers["location"] == "/"  # type: ignore[attr-defined]


def test_no_link_puts_words_into_a_page(mine: Browser) -> None:
    assert "call this number" not in mine.page("/?said=call+this+number").text
    assert "call this number" not in mine.page("/?said=call+this+number&by=" + "0" * 32).text


def test_the_secret_is_its_owner_s_and_made_once(tmp_path: Path) -> None:
    file = tmp_path / "ui" / "secret"
    one, other = Signer(file), Signer(file)
    assert stat.S_IMODE(os.stat(file).st_mode) == 0o600
    made = one.begin(1_000.0)
    assert other.read(one.written(made), 1_001.0) == made
    assert other.read(one.written(made), 1_000.0 + HOLDS_S) is None
    assert [path.name for path in file.parent.iterdir()] == ["secret"]


def test_a_cookie_that_was_changed_or_made_up_is_none(tmp_path: Path) -> None:
    signer = Signer(tmp_path / "secret")
    written = signer.written(Session("n", int(time.time()), "t"))
    body, _, signature = written.partition(".")
    other = base64.urlsafe_b64encode(json.dumps({"nonce": "n", "since": 9e9, "token": "root"}).encode()).decode()
    for given in (None, "", ".", "x.y", f"{other}.{signature}", f"{body}.", f"{body}.ü", written[:-1]):
        assert signer.read(given, time.time()) is None, given


def test_signing_out_ends_it(mine: Browser) -> None:
    sign_in(mine, token(mine, "anna", "release"))
    out = mine.send("/", "/sign-out")
    assert out.headers["location"] == "/sign-in"
    assert f'{COOKIE}=""' in out.headers["set-cookie"]
