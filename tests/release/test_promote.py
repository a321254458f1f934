"""Who is champion: promotion and its reverse, with the route that follows."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from data.steps import NOON
from noria.errors import UserError
from noria.plan import Plan, Step
from noria.release.promote import promote, rollback
from noria.store import audit, registry, routes, runs
from noria.store.engine import Store, open_store


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    store = open_store(f"sqlite:///{tmp_path / 'noria.db'}")
    plan = Plan("loans", (Step("collect"),), "bundle", "lifecycle.py")
    with store.begin() as c:
        runs.start(c, NOON, plan, key="key", trigger="person", remedy=None)
        for number in (1, 2, 3):
            registry.add_version(
                c,
                registry.ModelVersion(
                    "loans", number, "p", "onnx", "loans-1", "loans", 1, {}, {}, f"r{number}", NOON.now()
                ),
            )
    yield store
    store.close()


def up(store: Store, number: int) -> routes.Route:
    with store.begin() as c:
        return promote(c, NOON, registry.version(c, "loans", number), actor="ada", reason="it is better")


def back(store: Store) -> routes.Route:
    with store.begin() as c:
        return rollback(c, NOON, "loans", actor="ada", reason="it is worse")


def state(store: Store) -> tuple[dict[str, int], dict[str, int]]:
    with store.read() as c:
        route = routes.newest(c, "loans")
        assert list(audit.problems(c)) == []
        return registry.aliases(c, "loans"), dict(route.weights) if route else {}


def test_the_promoted_version_gets_the_name_and_all_the_traffic(store: Store) -> None:
    up(store, 1)
    with store.begin() as c:
        registry.set_alias(c, NOON, "loans", registry.CHALLENGER, 2, actor="gates", reason="new")
        routes.set_weights(c, NOON, "loans", {"1": 90, "2": 10}, actor="deploy", reason="new")
    assert up(store, 2).revision == 3
    assert state(store) == ({"champion": 2}, {"2": 100})


def test_promoting_another_leaves_the_challenger_where_it_is(store: Store) -> None:
    up(store, 1)
    with store.begin() as c:
        registry.set_alias(c, NOON, "loans", registry.CHALLENGER, 2, actor="gates", reason="new")
    up(store, 3)
    assert state(store) == ({"champion": 3, "challenger": 2}, {"3": 100})


def test_promoting_the_champion_changes_nothing(store: Store) -> None:
    first = up(store, 1)
    with store.read() as c:
        before = list(audit.entries(c))
    assert up(store, 1) == first
    with store.read() as c:
        assert list(audit.entries(c)) == before


def test_who_said_so_and_why_is_on_record(store: Store) -> None:
    up(store, 1)
    up(store, 2)
    with store.read() as c:
        told = [(one.actor, one.action, one.before, one.after, one.reason) for one in audit.entries(c)]
    assert told[-2:] == [
        ("ada", "alias champion", 1, 2, "it is better"),
        ("ada", "route", {"1": 100}, {"2": 100}, "it is better"),
    ]


def test_a_rollback_brings_back_the_champion_before_and_a_second_one_returns(store: Store) -> None:
    for number in (1, 2, 3):
        up(store, number)
    back(store)
    assert state(store) == ({"champion": 2}, {"2": 100})
    back(store)
    assert state(store) == ({"champion": 3}, {"3": 100})


def test_without_an_earlier_champion_there_is_nothing_to_go_back_to(store: Store) -> None:
    for _ in range(2):
        with pytest.raises(UserError, match="never had another champion") as caught:
            back(store)
        assert caught.value.do
        up(store, 1)
