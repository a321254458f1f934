"""Experiments and watches on record: one at a time, by the newest holder only, on every engine."""

import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from contracts.metadata import CLOCK, NOON
from noria.clock import FixedClock
from noria.errors import NoriaError, NotFound, UserError
from noria.store import audit, experiments, watches
from noria.store.engine import Store, open_store
from noria.store.experiments import DECIDED, PROPOSED, RUNNING, STOPPED, Experiment

DRAFT = Experiment(
    "loans", 0, 1, 2, RUNNING, {"metric": "accuracy"}, "automatic", {"1": 50, "2": 50}, {"1": 100}, 3, NOON,
    "ada", "try",
)  # fmt: skip
GONE = "another/1/1"  # a process of another machine


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.system)])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    url = f"sqlite:///{tmp_path / 'n.db'}" if request.param == "sqlite" else request.getfixturevalue("postgres_url")
    store = open_store(url)
    yield store
    store.close()


def test_an_experiment_runs_is_proposed_and_decided_once_and_all_of_it_is_audited(store: Store) -> None:
    with store.begin() as c:
        one = experiments.start(c, CLOCK, DRAFT)
        assert (one.number, one.id, one.open) == (1, "loans#1", True)
        assert experiments.running(c, "loans") == one
        assert experiments.propose(c, CLOCK, one, "promote", "better", {"known": [9, 9]})
        assert not experiments.propose(c, CLOCK, one, "promote", "better", {})
    with store.begin() as c:
        held = experiments.get(c, "loans", 1)
        assert (held.state, held.verdict, held.evidence) == (PROPOSED, "promote", {"known": [9, 9]})
        closing = {"verdict": "promote", "why": "fine", "evidence": held.evidence, "actor": "ben"}
        assert experiments.end(c, CLOCK, one, DECIDED, **closing)
        assert not experiments.end(c, CLOCK, one, STOPPED, **closing)
        done = experiments.get(c, "loans", 1)
        assert (done.state, done.ended_by, done.ended_at, done.open) == (DECIDED, "ben", NOON, False)
        assert experiments.running(c, "loans") is None
        assert experiments.start(c, CLOCK, DRAFT).number == 2
        assert [one.state for one in experiments.all(c)] == [DECIDED, RUNNING]
        words = [one.action for one in audit.entries(c)]
    assert words == ["experiment start", "experiment propose", "experiment promote", "experiment start"]


def test_one_experiment_at_a_time_an_endpoint(store: Store) -> None:
    with store.begin() as c:
        experiments.start(c, CLOCK, DRAFT)
        experiments.start(c, CLOCK, replace(DRAFT, endpoint="cats"))
    with pytest.raises(UserError, match="an experiment of this endpoint is under way"), store.begin() as c:
        experiments.start(c, CLOCK, DRAFT)
    with store.read() as c, pytest.raises(NotFound, match="no experiment loans#7"):
        experiments.get(c, "loans", 7)


def test_of_many_who_start_at_once_one_does(store: Store) -> None:
    told: list[str] = []

    def work() -> None:
        try:
            with store.begin() as c:
                experiments.start(c, CLOCK, DRAFT)
            told.append("started")
        except UserError:
            told.append("taken")

    threads = [threading.Thread(target=work) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(told) == ["started", *["taken"] * 5]


def test_a_watch_is_held_by_one_and_given_on_when_its_process_is_gone(store: Store) -> None:
    with store.begin() as c:
        first = watches.claim(c, CLOCK, "loans", "/p/loans.py")
        assert watches.keep(c, first, {"seen": 1})
    with pytest.raises(UserError, match="loans is being watched by"), store.begin() as c:
        watches.claim(c, CLOCK, "loans", "/p/loans.py")
    with store.begin() as c:
        c.execute(watches.watch.update().values(owner=GONE))
    with pytest.raises(NoriaError), store.begin() as c:
        watches.claim(c, CLOCK, "loans", "/p/loans.py")
    later = FixedClock(NOON + watches.LEASE)
    with store.begin() as c:
        second = watches.claim(c, later, "loans", "/q/loans.py")
        assert (second.term, second.state) == (first.term + 1, {"seen": 1})
        assert not watches.renew(c, later, first)
        assert not watches.keep(c, first, {})
        watches.release(c, first)
        held = watches.of_file(c, "/q/loans.py")
        assert held is not None
        assert (held.state, held.owner) == ({"seen": 1}, second.owner)


def test_a_lease_that_a_wrong_clock_gave_does_not_hold_for_years(store: Store) -> None:
    with store.begin() as c:
        watches.claim(c, FixedClock(NOON + timedelta(days=900)), "loans", "/p/loans.py")
        c.execute(watches.watch.update().values(owner=GONE))
    with store.begin() as c:
        assert watches.claim(c, CLOCK, "loans", "/p/loans.py").term == 2


def test_what_a_person_asks_waits_until_it_is_answered(store: Store) -> None:
    with store.begin() as c:
        assert not watches.ask(c, "loans", id="r1", reason="look", actor="ada")
        one = watches.claim(c, CLOCK, "loans", "/p/loans.py")
        assert watches.ask(c, "loans", id="r1", reason="look", actor="ada")
        assert watches.ask(c, "loans", id="r2", reason="again", actor="ada")
        watches.answered(c, one, "r1")
        held = watches.get(c, "loans")
        assert held is not None
        assert held.asked == {"id": "r2", "reason": "again", "actor": "ada"}
        watches.answered(c, one, "r2")
        assert [one.asked for one in watches.all(c)] == [None]
