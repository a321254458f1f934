"""gRPC on the real server: it follows routes, is shared by workers, ends without a lost answer."""

import socket
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import polars as pl
import pytest

from contracts.server import ROW, ROWS
from noria.data import captured
from noria.run.place import Place
from noria.store import routes
from serve.callers import Grpc, Refused, Said
from serve.live import Live, noria, until

pytestmark = pytest.mark.system


class Calling(threading.Thread):
    """Asks without a pause until it is told to end or the server is away."""

    def __init__(self, server: Live, number: int) -> None:
        super().__init__()
        self.caller, self.number = Grpc(server), number
        self.got: list[Said] = []
        self.refused: list[Refused] = []
        self.ended = threading.Event()

    def run(self) -> None:
        while not self.ended.is_set() and not self.refused:
            try:
                sent = ROWS if len(self.got) % 3 else ROW
                self.got.append(self.caller.infer(sent, raw=self.number % 2 == 0, parameters={"subject": "s"}))
            except Refused as refused:
                self.refused.append(refused)


@contextmanager
def calling(server: Live, callers: int = 3) -> Iterator[list[Calling]]:
    threads = [Calling(server, number) for number in range(callers)]
    for thread in threads:
        thread.start()
    try:
        yield threads
    finally:
        for thread in threads:
            thread.ended.set()
        for thread in threads:
            thread.join(60)
            thread.caller.close()


def predictions(project: Place) -> Counter[str]:
    """How often each request stands in the tables."""
    ids = pl.read_delta(captured.path(project.settings, "loans", "predictions"))["id"].to_list()
    assert len(ids) == len(set(ids))
    return Counter(id.partition(".")[0] for id in ids)


def test_routes_are_followed_and_no_call_fails_in_many_switches(project: Place, folder: Path) -> None:
    with Live(folder) as server, calling(server) as callers:
        for turn in range(8):
            number = str(2 - turn % 2)
            with project.store.begin() as c:
                made = routes.set_weights(c, project.clock, "loans", {number: 100}, actor="tester", reason="a test")
            until(lambda r=made.revision: Grpc(server).model("loans")["parameters"]["revision"] == r, "the route")
            seen = [len(one.got) for one in callers]
            until(lambda seen=seen: all(len(one.got) > n + 3 for one, n in zip(callers, seen)), "answers")
            late = [said.version for one, n in zip(callers, seen) for said in one.got[n + 1 : n + 3]]
            assert set(late) == {number}
        assert [one.refused for one in callers] == [[], [], []]


def test_a_stop_under_load_loses_no_answer_and_captures_each_once(project: Place, folder: Path) -> None:
    with Live(folder, workers=2) as server:
        with calling(server, 4) as callers:
            until(lambda: all(len(one.got) > 8 for one in callers), "answers")
            assert server.stop() == 0
            until(lambda: all(one.refused for one in callers), "the callers to see that it is gone")
        assert "Traceback" not in server.log()
    assert {one.refused[0].kind for one in callers} == {"away"}, [
        (one.refused[0].kind, str(one.refused[0])[:60]) for one in callers
    ]
    there = predictions(project)
    answered = {said.id for one in callers for said in one.got}
    assert answered <= there.keys()


def test_when_a_worker_dies_others_go_on_and_another_takes_its_place(project: Place, folder: Path) -> None:
    with Live(folder, workers=2) as server:
        (one, other) = server.children("noria.cli.main")
        server.kill(one)
        until(lambda: len(set(server.children("noria.cli.main")) - {one, other}) == 1, "another worker")
        ids = []
        for _ in range(20):
            caller = Grpc(server)  # a connection of its own may meet either
            ids.append(caller.infer(ROW).id)
            caller.close()
        assert server.stop() == 0
    assert set(ids) <= predictions(project).keys()


def test_without_grpc_no_port_is_opened_and_one_that_is_taken_is_the_users_mistake(folder: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        done = noria(folder, "serve", "--port", "0", "--grpc-port", str(taken.getsockname()[1]))
    assert done.returncode == 2
    assert "cannot be used: Address already in use" in done.stderr
    assert "Give another --grpc-port" in done.stderr
    with Live(folder, options=["--no-grpc"]) as server:
        assert server.grpc == ""
        assert server.predict().status_code == 200
