"""The host follows routes: versions are loaded and warm before they answer, and no request sees the change."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from noria.errors import Damaged, NotFound, StoreUnavailable
from noria.serve import host as host_module
from noria.serve import segment
from noria.serve.capture import Spool
from noria.serve.host import Host
from noria.serve.predict import Service
from noria.serve.protocol import Answer, Feedback, Request
from serve import small
from serve.small import Shelf


def run(work: Callable[[], Awaitable[None]]) -> None:
    async def within_a_minute() -> None:
        await asyncio.wait_for(work(), 60)

    asyncio.run(within_a_minute())


def request(subject: str | None = None, version: int | None = None, model: str = "loans") -> Request:
    return Request(model, {name: [value] for name, value in small.ROW.items()}, 1, subject=subject, version=version)


def honest(answer: Answer) -> Answer:
    """The answer, if the version that it names is the one that computed it."""
    assert answer.scores[0, 1] == pytest.approx(small.share(answer.version), abs=1e-5)
    assert answer.release == f"r{answer.version}"
    return answer


async def until(holds: Callable[[], bool]) -> None:
    """Until it holds; the deadline is that of ``run``."""
    while not holds():
        await asyncio.sleep(0.005)


@pytest.fixture
def shelf() -> Shelf:
    found = Shelf()
    found.route("loans", {1: 50, 2: 50})
    return found


def test_versions_of_a_route_are_loaded_once_and_answer_what_the_route_says(shelf: Shelf, tmp_path: Path) -> None:
    async def work() -> None:
        host = Host(shelf)
        service = Service(host, Spool(tmp_path))
        with pytest.raises(NotFound, match="none yet"):
            await service.predict(request())
        await host.refresh()
        await host.refresh()
        assert shelf.fetched == {1: 1, 2: 1}
        first = {f"s{n}": honest(await service.predict(request(f"s{n}"))).version for n in range(100)}
        assert set(first.values()) == {1, 2}
        again = {f"s{n}": honest(await service.predict(request(f"s{n}"))).version for n in range(100)}
        assert again == first
        anonymous = {honest(await service.predict(request())).version for _ in range(100)}
        assert anonymous == {1, 2}

    run(work)


def test_while_routes_change_every_request_is_answered_by_a_version_that_had_a_weight(
    shelf: Shelf, tmp_path: Path
) -> None:
    async def work() -> None:
        host = Host(shelf)
        service = Service(host, Spool(tmp_path))
        await host.refresh()
        hammering = True
        answered = 0

        async def hammer(name: str) -> None:
            nonlocal answered
            while hammering:
                before = set(host.endpoint("loans").split.versions)
                answer = honest(await service.predict(request(name)))
                assert answer.version in before | set(host.endpoint("loans").split.versions)
                answered += 1
                await asyncio.sleep(0)

        callers = asyncio.gather(*(hammer(f"s{n}") for n in range(8)))
        for turn in range(60):
            shelf.route("loans", {1 + turn % 5: 50, 1 + (turn * turn + 1) % 5: 50})
            await host.refresh()
            seen = answered
            await until(lambda seen=seen: answered > seen or callers.done())
        hammering = False
        await callers
        assert host.endpoint("loans").wanted.revision == 61

    run(work)


def test_a_version_that_left_the_route_is_let_go_and_what_it_was_answering_is_answered(
    shelf: Shelf, tmp_path: Path
) -> None:
    async def work() -> None:
        host = Host(shelf)
        service = Service(host, Spool(tmp_path))
        await host.refresh()
        many = Request("loans", {name: [value] * 1000 for name, value in small.ROW.items()}, 1000, version=1)
        under_way = asyncio.create_task(service.predict(many))
        await asyncio.sleep(0)
        shelf.route("loans", {3: 100})
        await host.refresh()
        assert set(host.endpoint("loans").loaded) == {3}
        assert honest(await under_way).version == 1
        assert honest(await service.predict(request(version=1))).version == 1
        assert honest(await service.predict(request())).version == 3

    run(work)


@pytest.mark.parametrize(
    "trouble", [NotFound("no artifact", where="x", do="y"), Damaged("altered", where="x", do="y"), OSError("gone"),
                RuntimeError("an error of some library"), KeyError("key")], ids=lambda one: type(one).__name__
)  # fmt: skip
def test_a_version_that_cannot_be_loaded_leaves_its_route_as_it_was_and_others_alone(
    shelf: Shelf, tmp_path: Path, caplog: pytest.LogCaptureFixture, trouble: Exception, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(host_module, "AGAIN_S", 0)

    async def work() -> None:
        host = Host(shelf)
        service = Service(host, Spool(tmp_path))
        await host.refresh()
        shelf.broken[3] = trouble
        shelf.route("cats", {3: 1})
        shelf.route("dogs", {4: 1})
        shelf.route("loans", {3: 100})
        await host.refresh()
        assert honest(await service.predict(request(model="dogs", version=5))).version == 5
        for _ in range(3):
            await host.refresh()
        assert 5 in host.endpoint("dogs").loaded
        assert sorted(record.getMessage().split()[4] for record in caplog.records) == ["cats", "loans"]
        assert honest(await service.predict(request())).version in (1, 2)
        assert honest(await service.predict(request(model="dogs"))).version == 4
        with pytest.raises(StoreUnavailable, match="cats is not ready"):
            await service.predict(request(model="cats"))
        assert "is not followed" in (host.trouble or "")
        shelf.broken.clear()
        await host.refresh()
        assert honest(await service.predict(request())).version == 3
        assert honest(await service.predict(request(model="cats"))).version == 3
        assert host.trouble is None

    run(work)


def test_feedback_by_way_of_another_model_that_is_served_too_is_refused_and_not_kept(
    shelf: Shelf, tmp_path: Path
) -> None:
    async def work() -> None:
        host, spool = Host(shelf), Spool(tmp_path)
        service = Service(host, spool)
        shelf.route("cats", {3: 1})
        await host.refresh()
        ids = {model: (await service.predict(request(model=model))).prediction for model in ("loans", "cats")}
        for model, other in (("loans", "cats"), ("cats", "loans")):
            wrong = [Feedback(ids[model], "yes", None, "right"), Feedback(ids[other], "yes", None, "wrong")]
            with pytest.raises(NotFound, match=f"no prediction {ids[other]}"):
                await service.tell(wrong, endpoint=model)
            await service.tell([Feedback(ids[model], "no", None, "by its name")], endpoint=model)
        await service.tell([Feedback(ids[model], "no", None, "by no name") for model in ids])
        await spool.rotate()
        records = [record for path in tmp_path.glob("*.seg") for record in segment.read(path)[0]]
        told = [(one.endpoint, one.prediction, one.source) for one in records if isinstance(one, segment.Told)]
        expected = [(model, id, f"by {which} name") for which in ("its", "no") for model, id in ids.items()]
        assert sorted(told) == sorted(expected)

    run(work)


@pytest.mark.parametrize("trouble", [StoreUnavailable("locked", where="x", do="y"), RuntimeError("some library")])
def test_while_the_store_is_away_what_is_loaded_goes_on_and_routes_are_followed_afterwards(
    shelf: Shelf, tmp_path: Path, trouble: Exception
) -> None:
    async def work() -> None:
        host = Host(shelf)
        service = Service(host, Spool(tmp_path))
        shelf.away = trouble
        following = asyncio.create_task(host.follow())
        await until(lambda: host.trouble is not None)
        assert not host.ready.is_set()
        shelf.away = None
        await host.ready.wait()
        shelf.away = trouble
        await until(lambda: host.trouble is not None)
        assert honest(await service.predict(request())).version in (1, 2)
        shelf.away = None
        shelf.route("loans", {5: 1})
        await until(lambda: host.endpoint("loans").wanted.revision == 2)
        assert honest(await service.predict(request())).version == 5
        following.cancel()
        with pytest.raises(asyncio.CancelledError):
            await following

    run(work)


def test_a_version_outside_the_route_is_loaded_when_asked_for_once_for_all_who_ask(
    shelf: Shelf, tmp_path: Path
) -> None:
    async def work() -> None:
        host = Host(shelf)
        service = Service(host, Spool(tmp_path))
        await host.refresh()
        answers = await asyncio.gather(*(service.predict(request(version=5)) for _ in range(20)))
        assert {honest(answer).version for answer in answers} == {5}
        assert shelf.fetched[5] == 1
        assert {honest(await service.predict(request())).version for _ in range(30)} == {1, 2}
        with pytest.raises(NotFound, match=r"no version 6.*1, 2, 3, 4, 5"):
            await service.predict(request(version=6))

    run(work)


def test_an_endpoint_without_a_route_is_gone_and_the_others_stay(shelf: Shelf, tmp_path: Path) -> None:
    async def work() -> None:
        host = Host(shelf)
        service = Service(host, Spool(tmp_path))
        shelf.route("cats", {3: 1})
        await host.refresh()
        del shelf.routes["cats"]
        await host.refresh()
        with pytest.raises(NotFound, match="Models are: loans"):
            await service.predict(request(model="cats"))
        assert honest(await service.predict(request())).version in (1, 2)

    run(work)
