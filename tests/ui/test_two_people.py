"""Two people press the same button at the same moment: one wins, the other is told, and it is done once.

For every decision that pages offer; both had seen the same page. A turn of the wheel is in ``test_turns.py``.
"""

import re
import threading
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from noria.governance import erase as erasing
from noria.store import audit, erasures

from .conftest import Browser, open_browser

CHALLENGE = {"challenger": "2", "effect": "0.05", "share": "40", "metric": "accuracy", "approval": "person"}
PEOPLE = ("anna", "ben")


def filled(browser: Browser, page: str, action: str, fields: Mapping[str, str]) -> dict[str, str]:
    """The form as a browser would send it."""
    text = browser.page(page).text
    form = next((one for one in re.findall(r"<form.*?</form>", text, re.S) if f'action="{action}"' in one), None)
    assert form is not None, f"{page} has no form for {action}"
    return {**dict(re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', form)), **fields}


def pressed_at_once(browser: Browser, page: str, action: str, fields: Mapping[str, str]) -> dict[str, tuple[int, str]]:
    """What each person was answered: a status, and the page."""
    begin = threading.Barrier(len(PEOPLE))
    two = [open_browser(browser.place) for _ in PEOPLE]
    forms = [filled(one, page, action, fields) for one in two]

    def press(place: int) -> tuple[int, str]:
        begin.wait(60)
        answer = two[place].post(action, {**forms[place], "reason": f"says {PEOPLE[place]}"})
        return answer.status_code, answer.text

    with ThreadPoolExecutor(len(PEOPLE)) as hands:
        return dict(zip(PEOPLE, hands.map(press, range(len(PEOPLE))), strict=True))


def one_won(browser: Browser, answers: Mapping[str, tuple[int, str]]) -> None:
    """And only what the winner said is on record."""
    assert sorted(status for status, _ in answers.values()) == [303, 409], {k: v[0] for k, v in answers.items()}
    winner = next(who for who, (status, _) in answers.items() if status == 303)
    late = next(text for status, text in answers.values() if status == 409)
    assert "while you looked" in late
    assert f"says {winner}" in late
    with browser.place.store.read() as c:
        reasons = " ".join(str(one.reason) for one in audit.entries(c))
    assert f"says {winner}" in reasons
    assert not any(f"says {who}" in reasons for who in PEOPLE if who != winner)


@pytest.mark.parametrize(
    ("page", "action", "fields"),
    [
        ("/data/loans@3", "/data/loans@3/accept", {}),
        ("/model/loans@2", "/model/loans@2/promote", {}),
        ("/model/loans@2", "/model/loans@2/rollback", {}),
        ("/experiment/loans", "/experiment/loans/start", CHALLENGE),
    ],
)
def test_a_decision_is_taken_once(mine: Browser, page: str, action: str, fields: dict[str, str]) -> None:
    if action.endswith("rollback"):
        assert mine.send("/model/loans@2", "/model/loans@2/promote", reason="before").status_code == 303
    one_won(mine, pressed_at_once(mine, page, action, fields))


@pytest.mark.parametrize("word", ["quarantine", "restore"])
def test_a_batch_is_moved_once(mine: Browser, word: str) -> None:
    page, batch = "/data/loans@2", mine.json("/data/loans@2")["line"][1]["id"]
    if word == "restore":
        out = mine.send(page, f"{page}/quarantine", batch=batch, reason="a faulty source")
        page = out.headers["location"].partition("?")[0]
    one_won(mine, pressed_at_once(mine, page, f"{page}/{word}", {"batch": batch}))


@pytest.mark.parametrize("word", ["approve", "refuse"])
def test_a_candidate_is_answered_once(asked: Browser, word: str) -> None:
    page = f"/release/{asked.json('/model')['models'][0]['waiting']}"
    one_won(asked, pressed_at_once(asked, page, f"{page}/{word}", {}))


def test_weights_are_moved_once(mine: Browser) -> None:
    revision = str(mine.json("/route/loans")["route"]["revision"])
    fields = {"weight-1": "70", "weight-2": "30", "revision": revision}
    begun, two = threading.Barrier(2), [open_browser(mine.place) for _ in PEOPLE]
    tokens = [filled(one, "/route/loans", "/route/loans/check", {})["form"] for one in two]

    def press(place: int) -> tuple[int, str]:
        begun.wait(60)
        said = {"form": tokens[place], "reason": f"says {PEOPLE[place]}", f"weight-{place + 1}": "5"}
        answer = two[place].post("/route/loans/set", {**fields, **said})
        return answer.status_code, answer.text

    with ThreadPoolExecutor(2) as hands:
        one_won(mine, dict(zip(PEOPLE, hands.map(press, range(2)), strict=True)))


def test_an_experiment_is_ended_once(mine: Browser) -> None:
    page = "/experiment/loans"
    assert mine.send(page, f"{page}/start", **CHALLENGE, reason="is it better?").status_code == 303
    one_won(mine, pressed_at_once(mine, page, f"{page}/decide", {"word": "stop"}))


def test_a_subject_is_erased_once(mine: Browser, monkeypatch: pytest.MonkeyPatch) -> None:
    both_pressed, real = threading.Event(), erasing.erase_subject

    def held(*given: Any) -> Any:
        assert both_pressed.wait(120)
        return real(*given)

    monkeypatch.setattr(erasing, "erase_subject", held)
    fields = {"subject": "a000007", "again": "a000007", "models": "retrain"}
    begun, two = threading.Barrier(2), [open_browser(mine.place) for _ in PEOPLE]
    tokens = [filled(one, "/erase", "/erase/look", {})["form"] for one in two]

    def press(place: int) -> tuple[int, str]:
        begun.wait(60)
        answer = two[place].post("/erase/now", {**fields, "form": tokens[place], "reason": f"says {PEOPLE[place]}"})
        return answer.status_code, answer.headers.get("location", "") if answer.status_code == 303 else answer.text

    with ThreadPoolExecutor(2) as hands:
        answers = dict(zip(PEOPLE, hands.map(press, range(2)), strict=True))
    both_pressed.set()
    job = next(text for status, text in answers.values() if status == 303).partition("?")[0]
    end = time.monotonic() + 90
    while mine.json(job)["job"]["state"] == "running":
        assert time.monotonic() < end
        time.sleep(0.1)
    one_won(mine, answers)
    with mine.place.store.read() as c:
        assert [one.state for one in erasures.all(c)] == ["done"]
