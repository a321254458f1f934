"""What an erasure calls for, seen from the outside: the watch makes a model without the rows, or it is on record why
not; and where Airflow turns the wheel, it hears of it."""

import json
import os
from pathlib import Path
from typing import Any

import pytest

from noria.store import audit, erasures, registry, runs
from run.test_events import Api
from run.test_events import api as api  # its server

from .conftest import KEY, Noria, place_of


@pytest.fixture(autouse=True)
def _nobodys_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    """Turns are processes of their own: they are to have no other settings than this one."""
    for name in [name for name in os.environ if name.startswith("NORIA_")]:
        monkeypatch.delenv(name)


def watched(noria: Noria) -> list[dict[str, Any]]:
    """The events of one look."""
    ended = noria("watch", "lifecycle.py", "--once", "--json")
    events = [json.loads(line) for line in ended.out.splitlines()]
    assert all("event" in one for one in events), ended
    return events


def settled(noria: Noria) -> None:
    """Until all that has arrived is learned from, and nothing calls for a turn."""
    for _ in range(4):
        if not [one for one in watched(noria) if one["event"] == "turn"]:
            return
    raise AssertionError("the wheel turns and turns")


@pytest.mark.system
def test_the_watch_makes_another_model_once_and_that_one_is_not_flagged(mine: Path, noria: Noria) -> None:
    settled(noria)
    assert noria("erase", KEY, "--reason", "asked for it").code == 0
    place = place_of(mine)
    with place.store.read() as c:
        assert _is_flagged(c, registry.aliases(c, "loans")["champion"])
    events = watched(noria)
    [turn] = [one for one in events if one["event"] == "turn"]
    assert turn["trigger"] == "erasure"
    assert "learned from rows that erasure" in turn["why"]
    [ended] = [one for one in events if one["event"] == "ended"]
    assert ended["state"] == "done", ended
    with place.store.read() as c:
        run = runs.newest(c, "loans")[0]
        made = registry.versions(c, "loans")[-1]
        assert (run.trigger, made.run_id) == ("erasure", run.id)
        assert not _is_flagged(c, made.number)
    place.store.close()
    settled(noria)


@pytest.mark.system
def test_what_is_accepted_calls_for_nothing_and_has_its_reason_on_record(mine: Path, noria: Noria) -> None:
    settled(noria)
    place = place_of(mine)
    with place.store.read() as c:
        before = len(runs.newest(c, "loans", 100))
    assert noria("erase", KEY, "--reason", "one row of very many", "--models", "accept").code == 0
    assert [one for one in watched(noria) if one["event"] == "turn"] == []
    with place.store.read() as c:
        assert len(runs.newest(c, "loans", 100)) == before
        last = audit.newest(c, 1)[0]
    assert (last.action, last.reason, last.after["models"]) == ("erase", "one row of very many", "accept")
    place.store.close()


@pytest.mark.system
def test_where_airflow_turns_the_wheel_the_erasure_is_an_event_of_the_asset(
    mine: Path, noria: Noria, api: tuple[str, type[Api]], monkeypatch: pytest.MonkeyPatch
) -> None:
    settled(noria)
    assert noria("erase", KEY, "--reason", "asked for it").code == 0
    url, handler = api
    (mine / "login").write_text("noria:p:w\n")
    monkeypatch.setenv("NORIA_AIRFLOW", url)
    monkeypatch.setenv("NORIA_AIRFLOW_LOGIN", str(mine / "login"))
    events = watched(noria)
    assert [one["trigger"] for one in events if one["event"] in ("posted", "turn")] == ["erasure"]
    (event,) = handler.heard
    assert (event["asset_id"], event["extra"]["trigger"]) == (7, "erasure")
    assert "learned from rows that erasure" in event["extra"]["why"]
    assert KEY not in json.dumps(event)
    assert [one for one in watched(noria) if one["event"] in ("posted", "turn")] == []  # it was told


def _is_flagged(connection: Any, number: int) -> bool:
    return ("loans", number) in erasures.flagged(connection)
