"""Clearing away beside a server that answers: no request fails, and no byte goes that a live or held release needs."""

import threading
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import select

import projects
from noria.client import Client
from noria.digest import Digest
from noria.governance.gc import Policy, collect
from noria.run.local import turn
from noria.store import holds, registry, retention, routes
from noria.store.tables import output, step_run
from serve.live import ROW, Live, until

from .conftest import Noria, place_of

POLICY = Policy(1, timedelta(0))


@pytest.mark.system
def test_a_server_answers_throughout_and_all_that_is_live_or_held_stays(mine: Path, noria: Noria) -> None:
    place = place_of(mine)
    assert noria("gc", "hold", "loans@1", "--reason", "claim 118").code == 0
    stop, failed, said = threading.Event(), list[Exception](), set[int]()

    def ask(url: str) -> None:
        with Client(url) as client:
            while not stop.is_set():
                try:
                    said.add(int(client.predict("loans", [{**ROW, "note": "none"}])[0].version))
                except Exception as error:
                    failed.append(error)
                    return

    cleared = 0
    with Live(mine) as server:
        callers = [threading.Thread(target=ask, args=(server.url,)) for _ in range(2)]
        for one in callers:
            one.start()
        try:
            until(lambda: said or failed, "an answer")
            for name in ("7", "8"):  # a version that the server loads while all old ones are cleared away
                projects.rows(120, seed=int(name), first=60_000 + 1000 * int(name)).with_columns(
                    note=projects.pl.lit("none")
                ).write_csv(mine / "inbox" / f"{name}.csv")
                assert turn(place, mine / "lifecycle.py").run.state == "done"
                with place.store.read() as c:
                    newest = registry.versions(c, "loans")[-1].number
                assert noria("route", "set", "loans", f"{newest}=100").code == 0
                cleared += len(collect(place, POLICY, "a test").things)
                until(lambda newest=newest: newest in said or failed, f"version {newest} to answer")  # type: ignore[misc]
                cleared += len(collect(place, POLICY, "a test").things)
            assert noria("route", "set", "loans", "1=100").code == 0  # back to one that was long cleared around
            said.discard(1)
            until(lambda: 1 in said or failed, "version 1 to answer again")
        finally:
            stop.set()
            for one in callers:
                one.join()
        assert server.stop() == 0
    assert failed == []
    assert cleared > 0, "nothing was there to be cleared away"
    with place.store.read() as c:
        kept, held = retention.kept(c, 1).runs, holds.reach(c)
        of_live = {str(one.package) for one in registry.versions(c, "loans")}
        left = c.execute(
            select(output.c.digest, step_run.c.run_id).join(step_run, step_run.c.id == output.c.step_run_id)
        ).all()
        assert routes.newest(c, "loans") is not None
    assert "loans-1" in kept, "the run of the version that is held"
    assert held.data
    for digest in {*of_live, *(row.digest for row in left if row.run_id in kept)}:
        assert place.artifacts.get(Digest(digest))
    place.store.close()
