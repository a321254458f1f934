"""A turn that is started from a page: it outlives the pages, is one at a time, and shows what it prints."""

import json
import os
import signal
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from noria.errors import Overtaken
from noria.run.local import file_of, turn
from noria.store import audit, runs
from noria.ui.turns import Turns, Wish

from .conftest import Browser


def until(holds: Callable[[], object], seconds: float = 90) -> None:
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.1)


def state(browser: Browser, run: str) -> str:
    with browser.place.store.read() as c:
        found = [one for one in runs.newest(c, "loans", 5) if one.id == run]
    return found[0].state if found else ""


@pytest.fixture
def at_home(mine: Browser) -> Browser:
    """Its lifecycle file was run where it lies."""
    file = mine.place.settings.home.parent / "lifecycle.py"
    turn(mine.place, file)
    assert file_of(mine.place, "loans") == file
    return mine


@pytest.mark.system
def test_a_remedy_is_pressed_and_the_new_run_is_watched(at_home: Browser) -> None:
    newest = at_home.json("/run?lifecycle=loans")["newest"]
    done = at_home.send(f"/run/loans-{newest}", "/run/loans/turn", remedy="accept", reason="the change is real")
    run = f"loans-{newest + 1}"
    assert done.headers["location"].startswith(f"/run/{run}?")
    again = at_home.post("/run/loans/turn", _form(at_home, newest))
    assert again.status_code == 409, "one at a time"
    assert "tester started a turn of loans already" in again.text
    assert at_home.page(f"/run/{run}").status_code == 200
    until(lambda: state(at_home, run) not in ("", "running"))
    until(lambda: not at_home.json(f"/run/{run}")["busy"])
    found = at_home.json(f"/run/{run}")
    assert (found["run"]["state"], found["run"]["remedy"]) == ("done", "accept")
    assert "loans run" in found["printed"]
    assert found["started"]["actor"] == "tester"
    with at_home.place.store.read() as c:
        entries = {one.action: one for one in audit.about(c, f"run:{run}")}
    assert {name: one.reason for name, one in entries.items()} == {
        "turn": "the change is real", "remedy": "the change is real",
    }  # fmt: skip
    late = at_home.post("/run/loans/turn", _form(at_home, newest))
    assert late.status_code == 409
    assert f"run {run} began" in late.text


def _form(browser: Browser, newest: int) -> dict[str, str]:
    import re

    form = re.search(r'name="form" value="([0-9a-f]+)"', browser.page("/model/loans@2").text)
    assert form is not None
    return {"form": form[1], "expected": str(newest), "reason": "me too", "remedy": "accept"}


@pytest.mark.system
def test_a_turn_is_in_a_session_of_its_own_and_holds_the_lock_until_it_dies(at_home: Browser) -> None:
    turns = Turns(at_home.place)
    newest = at_home.json("/run?lifecycle=loans")["newest"]
    started = turns.start(Wish("loans", newest, "anna", "accept", "why"), f"loans-{newest + 1}")
    try:
        assert os.getsid(started.pid) == started.pid
        assert turns.busy("loans")
        with pytest.raises(Overtaken, match="anna started a turn"):
            Turns(at_home.place).start(Wish("loans", newest, "ben"), "x")
    finally:
        os.killpg(started.pid, signal.SIGKILL)
    until(lambda: not turns.busy("loans"), 20)
    assert turns.of(started.run) == started


def test_a_file_that_is_not_here_is_told(mine: Browser) -> None:
    Path(mine.place.settings.home.parent / "lifecycle.py").unlink()
    with mine.place.store.begin() as c:
        from noria.store import memo

        memo.remember(c, "lifecycle file", {"loans": str(mine.place.settings.home.parent / "lifecycle.py")})
    newest = mine.json("/run?lifecycle=loans")["newest"]
    answer = mine.post("/run/loans/turn", _form(mine, newest))
    assert answer.status_code == 404
    assert "is not on this machine" in answer.text


def test_an_unknown_remedy_starts_nothing(mine: Browser) -> None:
    newest = mine.json("/run?lifecycle=loans")["newest"]
    answer = mine.post("/run/loans/turn", {**_form(mine, newest), "remedy": "--force"})
    assert answer.status_code == 400
    assert "no remedy" in answer.text


def test_what_was_started_and_ended_before_it_began_shows_what_it_said(mine: Browser) -> None:
    folder = mine.place.settings.home / "ui"
    folder.mkdir(exist_ok=True)
    turns = Turns(mine.place)
    (folder / "loans-77.log").write_text("noria: the lifecycle file has a mistake\n")
    (folder / "loans-77.json").write_text(
        json.dumps(
            {
                "run": "loans-77",
                "lifecycle": "loans",
                "actor": "anna",
                "words": ["run"],
                "pid": 1,
                "at": "2026-01-01T00:00:00Z",
            }
        )
    )
    assert turns.printed("loans-77").startswith("noria: the lifecycle")
    text = mine.page("/run/loans-77").text
    assert "The turn ended before it began a run" in text
    assert "has a mistake" in text
    assert turns.printed("../secret") == ""
