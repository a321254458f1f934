"""What was live when: spans of aliases from the audit log, and the way back to a time."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from noria.clock import FixedClock
from noria.errors import NotFound, UserError
from noria.plan import Plan, Step
from noria.release import history
from noria.release.promote import promote, restore
from noria.store import audit, registry, routes, runs
from noria.store.engine import Store, open_store

BEGAN = datetime(2026, 11, 20, 10, tzinfo=UTC)


def hour(number: float) -> FixedClock:
    return FixedClock(BEGAN + timedelta(hours=number))


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """Champion 1 from the beginning, challenger 2 after an hour with a tenth of the traffic, champion 2 after two."""
    store = open_store(f"sqlite:///{tmp_path / 'noria.db'}")
    with store.begin() as c:
        runs.start(c, hour(0), Plan("loans", (Step("collect"),), "b", "l.py"), key="k", trigger="person", remedy=None)
        for number in (1, 2):
            made = registry.ModelVersion(
                "loans", number, "p", "onnx", "loans-1", "loans", 1, {}, {}, f"r{number}", BEGAN
            )
            registry.add_version(c, made)
        promote(c, hour(0), registry.version(c, "loans", 1), actor="gates", reason="the first")
        registry.set_alias(c, hour(1), "loans", registry.CHALLENGER, 2, actor="gates", reason="may be better")
        routes.set_weights(c, hour(1), "loans", {"1": 90, "2": 10}, actor="deploy", reason="to try it")
        promote(c, hour(2), registry.version(c, "loans", 2), actor="ada", reason="it is better")
    return store


def test_each_alias_has_its_span_with_who_and_why_at_both_ends(store: Store) -> None:
    with store.read() as c:
        found = history.history(c, "loans")
    told = [(one.alias, one.number, one.since, one.until, one.reason, one.ended) for one in found]
    assert told == [
        ("champion", 1, BEGAN, hour(2).at, "the first", "ada: it is better"),
        ("challenger", 2, hour(1).at, hour(2).at, "may be better", "ada: it is better"),
        ("champion", 2, hour(2).at, None, "it is better", None),
    ]


@pytest.mark.parametrize(
    ("hours", "aliases", "weights"),
    [
        (0, {"champion": 1}, {"1": 100}),
        (0.99, {"champion": 1}, {"1": 100}),
        (1, {"champion": 1, "challenger": 2}, {"1": 90, "2": 10}),
        (1.5, {"champion": 1, "challenger": 2}, {"1": 90, "2": 10}),
        (2, {"champion": 2}, {"2": 100}),
        (99, {"champion": 2}, {"2": 100}),
    ],
)
def test_what_was_live_at_a_time_holds_from_its_first_moment(
    store: Store, hours: float, aliases: dict[str, int], weights: dict[str, int]
) -> None:
    with store.read() as c:
        found = history.live(c, "loans", hour(hours).at)
    assert (found.aliases, found.route and dict(found.route.weights)) == (aliases, weights)


def test_before_the_first_version_nothing_was_live(store: Store) -> None:
    with store.read() as c, pytest.raises(NotFound, match="nothing of loans was live"):
        history.live(c, "loans", hour(-1).at)


def test_a_rollback_to_a_time_brings_back_aliases_and_traffic_and_is_audited(store: Store) -> None:
    with store.begin() as c:
        made = restore(c, hour(3), "loans", hour(1.5).at, actor="ada", reason="it was worse")
        assert dict(made.weights) == {"1": 90, "2": 10}
        assert registry.aliases(c, "loans") == {"champion": 1, "challenger": 2}
        assert {one.reason for one in list(audit.entries(c))[-3:]} == {"it was worse"}
        assert list(audit.problems(c)) == []
        assert history.live(c, "loans", hour(2.5).at).aliases == {"champion": 2}
        with pytest.raises(UserError, match="as it was then"):
            restore(c, hour(3), "loans", hour(1.5).at, actor="ada", reason="again")
        restore(c, hour(4), "loans", hour(0).at, actor="ada", reason="further back")
        assert registry.aliases(c, "loans") == {"champion": 1}


def test_another_models_entries_are_no_part_of_it(store: Store) -> None:
    with store.begin() as c:
        registry.set_alias(c, hour(3), "houses", registry.CHAMPION, 7, actor="ada", reason="x")
        assert {one.number for one in history.history(c, "loans")} == {1, 2}


def test_a_time_in_words_is_local_whole_to_its_second_and_past() -> None:
    now = hour(5).at
    shown = history.moment("2026-11-20T12:00:00+00:00", now)
    assert shown == hour(2).at.replace(microsecond=999_999)
    assert history.moment("2026-11-20T12:00:00.25+00:00", now) == hour(2).at.replace(microsecond=250_000)
    assert history.moment("2026-11-19", now).tzinfo is not None
    for wrong, said in (("tomorrow", "is no time"), ("2026-11-21T12:00+00:00", "is not past"), ("", "is no time")):
        with pytest.raises(UserError, match=said) as caught:
            history.moment(wrong, now)
        assert caught.value.do
