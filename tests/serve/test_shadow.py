"""Shadow versions get copies, answer nobody, and are compared with those that answer."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

import polars as pl
import pytest

from noria.data import captured
from noria.feedback.shadow import compare
from noria.run.place import Place
from noria.serve import metrics, segment, shadow
from noria.serve.capture import Spool
from noria.serve.flush import flush
from noria.serve.host import Host
from noria.serve.ids import Ids
from noria.serve.predict import Service
from noria.serve.protocol import Feedback, Request
from noria.serve.quick import Track
from noria.serve.segment import Shadowed
from noria.settings import Settings
from noria.store import audit, routes
from serve import small
from serve.live import Live, noria, until
from serve.small import Shelf


def request(age: float = 40, rows: int = 1) -> Request:
    return Request("loans", {"age": [age] * rows, "job": ["clerk"] * rows}, rows)


def run(work: Callable[[], Awaitable[None]]) -> None:
    asyncio.run(asyncio.wait_for(work(), 60))  # type: ignore[arg-type]  # a coroutine


async def served(tmp_path: Path, *, broken: bool = False) -> Service:
    shelf = Shelf()
    if broken:
        shelf.broken[3] = RuntimeError("gone")
    shelf.route("loans", {1: 100}, shadow=(2, 3))
    host = Host(shelf)
    await host.refresh()
    return Service(host, Spool(tmp_path / "spool"))


def became(service: Service) -> dict[str, int]:
    """What the meter says of copies and rows, of all shadows together."""
    found: dict[str, int] = {}
    for (_, _, what), count in service.watch.meter.totals.shadows.items():
        found[what] = found.get(what, 0) + count
    return found


def test_copies_are_recorded_and_compared_and_answers_are_those_of_the_route(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path, db="", artifacts="")

    async def work() -> None:
        service = await served(tmp_path)
        ids = [(await service.predict(request(rows=2))).prediction for _ in range(3)]
        await service.shadows.turn()
        assert became(service) == {"answered": 6, "agreed": 12, "differed": 0}
        await service.tell([Feedback(f"{ids[0]}.0", "yes", 1.0, "test")])
        await service.spool.rotate()

    run(work)
    flush(settings)
    assert captured.predictions(settings, "loans")["version"].unique().to_list() == [1]
    rows = captured.shadowed(settings, "loans")
    assert rows["version"].to_list() == [2, 3] * 6
    assert set(rows["variant"]) == {"shadow"}
    first, second = compare(rows, "classification")
    assert (first.measured.version, first.measured.predictions, first.measured.labelled) == (2, 6, 1)
    assert first.agreement == 1.0
    assert first.difference == pytest.approx(0.01, abs=1e-4)
    assert second.difference == pytest.approx(0.02, abs=1e-4)
    assert first.measured.metrics["accuracy"].value == 0.0
    assert first.measured.ratings is None


def test_metrics_tell_what_becomes_of_copies_and_where_labels_differ(tmp_path: Path) -> None:
    async def work() -> None:
        shelf = Shelf()
        shelf.route("loans", {1: 100}, versions=60, shadow=(2, 60))
        host = Host(shelf)
        await host.refresh()
        service = Service(host, Spool(tmp_path / "spool"))
        await service.predict(request(rows=3))
        await service.shadows.turn()
        said = metrics.text(service.watch.meter, service.spool.folder, host.endpoints).decode().splitlines()
        for version, label, count in (
            ("2", "agreed", 3),
            ("2", "differed", 0),
            ("60", "agreed", 0),
            ("60", "differed", 3),
        ):
            assert f'noria_shadow_rows_total{{label="{label}",model="loans",version="{version}"}} {count}.0' in said
        assert 'noria_shadow_copies_total{became="answered",model="loans",version="60"} 1.0' in said

    run(work)


def test_a_shadow_that_is_broken_keeps_nobody_from_answering(tmp_path: Path) -> None:
    async def work() -> None:
        service = await served(tmp_path, broken=True)
        assert (await service.predict(request())).version == 1
        await service.shadows.turn()
        assert became(service) == {"answered": 1, "dropped": 1, "agreed": 1, "differed": 0}

    run(work)


def test_what_comes_faster_than_the_shadows_answer_is_dropped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shadow, "MOST_ROWS", 5)

    async def work() -> None:
        service = await served(tmp_path)
        for _ in range(9):
            assert (await service.predict(request())).version == 1
        assert became(service) == {"dropped": 2 * 4}
        await service.shadows.turn()
        assert became(service)["answered"] == 2 * 5
        await service.predict(request(rows=4))
        await service.shadows.turn()
        assert became(service)["answered"] == 2 * 6

    run(work)


def test_the_quick_way_copies_too(tmp_path: Path) -> None:
    async def work() -> None:
        service = await served(tmp_path)
        track = Track(service, Ids(), "loans", None, lambda model, sent: sent, lambda name, loaded: name)
        assert track.answer(dict(small.ROW), None) is not None
        await service.shadows.turn()
        assert became(service)["answered"] == 2
        await service.spool.rotate()
        (done,) = (tmp_path / "spool").glob("*.seg")
        records, lost = segment.read(done)
        assert not lost
        assert sum(isinstance(one, Shadowed) for one in records) == 2

    run(work)


def test_a_route_names_its_shadows_until_they_answer(project: Place) -> None:
    def put(weights: dict[str, int], beside: list[int] | None = None) -> routes.Route:
        with project.store.begin() as c:
            return routes.set_weights(
                c, project.clock, "loans", weights, actor="tester", reason="a test", shadow=beside
            )

    before = put({"1": 100})
    assert put({"1": 100}, []) == before
    one = put({"1": 100}, [2])
    assert (one.revision, list(one.shadow)) == (before.revision + 1, [2])
    assert put({"1": 50}).shadow == [2]
    assert put({"1": 50, "2": 50}).shadow == []
    with project.store.read() as c:
        said = [(entry.before, entry.after) for entry in audit.entries(c) if entry.action == "shadow"]
    assert said == [([], [2]), ([2], [])]


@pytest.mark.system
def test_from_the_command_line_to_the_comparison(project: Place, folder: Path) -> None:
    done = noria(folder, "route", "set", "loans", "1=100", "--shadow", "2")
    assert "shadow 2" in done.stdout, done.stderr
    refused = noria(folder, "route", "set", "loans", "1=100", "--shadow", "1")
    assert "version 1 answers" in refused.stderr
    with Live(folder) as server:
        said = server.predict().json()
        assert said["model_version"] == "1"
        server.http.post(
            "/v2/models/loans/feedback", json={"prediction_id": said["predictions"][0]["id"], "label": "yes"}
        )
        until(lambda: captured.shadowed(project.settings, "loans").height == 1, "the shadow in the tables")
        assert server.stop() == 0
    assert pl.Series(captured.shadowed(project.settings, "loans")["version"]).to_list() == [2]
    shown = noria(folder, "feedback", "show", "loans")
    assert "2 (shadow)" in shown.stdout, shown.stderr
