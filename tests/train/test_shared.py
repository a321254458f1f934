"""A search that several machines share: each point once, whoever is lost, on every engine."""

import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from noria.store import studies
from noria.store.engine import Store, open_store
from noria.train.config import Real, Tune, choice, uniform
from noria.train.shared import Shared
from noria.train.trial import Trial

GRID = Tune({"a": choice(1, 2, 3, 4, 5), "b": choice("x", "y")}, sampler="grid", trials=30, workers=3)
Open = Callable[[Tune, int], Shared]


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.system)])
def opened(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Open]:
    """Opens the search as one of three parts, or as the whole, each with a connection of its own."""
    sqlite = request.param == "sqlite"
    url = f"sqlite:///{tmp_path / 'n.db'}" if sqlite else request.getfixturevalue("postgres_url")
    stores: list[Store] = []

    def part(tune: Tune, number: int) -> Shared:
        stores.append(open_store(url))
        return Shared(stores[-1], "loans-1/tune", tune, "maximize", 0, number, 3)

    yield part
    for store in stores:
        store.close()


def told(number: int, params: dict[str, object], value: float = 0.5) -> Trial:
    return Trial(number, params, value, "complete", None, 0.1, 1.0)


def work(part: Shared, total: int, tried: list[dict[str, object]]) -> None:
    while (asked := part.next(total)) is not None:
        tried.append(asked.params)
        part.tell(told(asked.number, asked.params))


@pytest.mark.parametrize("tune", [GRID, Tune({"a": uniform(0, 1)}, trials=12, workers=3)], ids=["grid", "tpe"])
def test_three_parts_at_once_try_as_many_points_as_were_declared_and_none_twice(opened: Open, tune: Tune) -> None:
    total = 10 if tune.sampler == "grid" else tune.trials
    tried: list[list[dict[str, object]]] = [[], [], []]
    parts = [opened(tune, number) for number in (1, 2, 3)]
    threads = [threading.Thread(target=work, args=(part, total, mine)) for part, mine in zip(parts, tried)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    everything = [tuple(params.values()) for mine in tried for params in mine]
    assert len(everything) == total
    assert len(set(everything)) == total
    done = [one for one in opened(tune, 0).done() if one.state == "complete"]
    assert len(done) == total


def test_what_a_lost_part_had_begun_is_taken_up_by_itself_or_by_who_puts_it_together(opened: Open) -> None:
    first, second = opened(GRID, 1), opened(GRID, 2)
    lost, mine = first.next(10), second.next(10)
    assert lost is not None
    assert mine is not None
    assert [one.number for one in opened(GRID, 1).left()] == [lost.number]
    assert opened(GRID, 2).under_way() == 1
    second.tell(told(mine.number, mine.params))
    whole = opened(GRID, 0)
    assert list(whole.left()) == [lost]
    whole.tell(told(lost.number, lost.params))
    tried: list[dict[str, object]] = []
    work(whole, 10, tried)
    assert len({tuple(one.params.values()) for one in whole.done()}) == 10


def test_parts_do_not_draw_the_same_points(opened: Open) -> None:
    tune = Tune({"a": Real(0, 1)}, sampler="random", trials=9, workers=3)
    drawn = [opened(tune, number).next(9) for number in (1, 2, 3)]
    assert len({one.params["a"] for one in drawn if one is not None}) == 3


def test_a_search_whose_result_is_kept_is_forgotten(opened: Open) -> None:
    part = opened(GRID, 1)
    part.next(10)
    store = part._storage._backend._store  # type: ignore[attr-defined]
    assert Shared.begun(store, "loans-1/tune")
    with store.begin() as c:
        part.forget(c)
        assert studies.read(c, "loans-1/tune", 0) == []
    assert not Shared.begun(store, "loans-1/tune")
