"""Alerts reach real collectors; one that is dead, hangs, refuses or is mistyped is told, and never fails a run."""

import socket
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest

import projects
from collectors import collector
from noria import settings
from noria.run import notify
from noria.run.local import Watcher, turn
from noria.run.place import open_place
from noria.store import alerts
from noria.store.alerts import Sent

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


def sent(severity: str, what: str) -> Sent:
    return Sent(what, "loans", "loans-2", "validate", severity, what, "loans@2, age", {}, "Look.", NOON)


class Heard(Watcher):
    def __init__(self) -> None:
        self.troubles: list[str] = []

    def trouble(self, message: str) -> None:
        self.troubles.append(message)


@contextmanager
def hanging() -> Iterator[str]:
    """The URL of a server that takes connections and never answers."""
    with closing(socket.create_server(("127.0.0.1", 0))) as server:
        yield f"json://127.0.0.1:{server.getsockname()[1]}"


def dead() -> str:
    with closing(socket.create_server(("127.0.0.1", 0))) as server:
        return f"json://secret-token@127.0.0.1:{server.getsockname()[1]}"


def test_the_alerts_of_a_step_arrive_as_one_message_the_gravest_first() -> None:
    with collector() as (url, got):
        assert list(notify.deliver([url], [sent("warn", "it drifts"), sent("block", "labels moved")])) == []
    [message] = got
    assert message["title"] == "noria loans: labels moved (and 1 more)"
    assert message["message"].startswith("block: loans@2, age: labels moved\nLook.\n\nwarn: loans@2, age: it drifts")
    assert message["message"].endswith("run loans-2")


def test_a_channel_that_fails_is_told_without_its_secrets_and_the_others_get_theirs() -> None:
    with collector() as (good, got), collector(500) as (refusing, _):
        told = list(notify.deliver([dead(), "nonsense://x", refusing, good], [sent("block", "labels moved")]))
    assert len(got) == 1
    assert [one.partition(": ")[0].partition(". ")[0] for one in told] == [
        "An alert could not be sent by json",
        "Alerts cannot go to nonsense",
        "An alert could not be sent by json",
    ]
    assert "secret" not in " ".join(told)


def test_a_channel_that_hangs_is_not_waited_for() -> None:
    with hanging() as url:
        [told] = notify.deliver([url], [sent("block", "labels moved")], limit_s=0.5)
    assert told.startswith("json did not answer in 0.5 s")


def test_nothing_to_say_or_nobody_to_tell_loads_nothing() -> None:
    assert list(notify.deliver([], [sent("warn", "x")])) == []
    assert list(notify.deliver(["nonsense://x"], [])) == []


@pytest.mark.parametrize("works", [True, False])
def test_a_block_is_sent_and_a_channel_that_fails_is_on_record_and_changes_nothing_else(
    tmp_path: Path, works: bool
) -> None:
    file = projects.write(tmp_path / "project")
    with collector(200 if works else 503) as (url, got):
        place = open_place(settings.load(file.parent, environ={"NORIA_ALERTS": url}))
        turn(place, file)
        projects.arrive(file.parent, "2", approved=0.8)
        heard = Heard()
        done = turn(place, file, watcher=heard)
    assert done.run.state == "stopped"
    assert "share of label" in got[-1]["title"]
    with place.store.read() as c:
        kept = [one for one in alerts.newest(c, "loans") if one.where == "alerts"]
    assert bool(kept) == bool(heard.troubles) == (not works)
    assert all(one.what in heard.troubles and one.run_id == done.run.id for one in kept[:1])
