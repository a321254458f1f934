"""Word of changed routes on PostgreSQL: heard after the commit, and again after the connection was lost."""

import asyncio
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from queue import Queue

import pytest
from sqlalchemy import text

from noria.clock import SystemClock
from noria.serve import host as host_module
from noria.serve.follow import Registry
from noria.serve.host import Host
from noria.store import notices, routes
from noria.store.artifacts import open_artifacts
from noria.store.engine import Store, open_store

PATIENCE_S = 30


@pytest.fixture
def store(postgres_url: str) -> Iterator[Store]:
    found = open_store(postgres_url)
    yield found
    found.close()


def put(store: Store, endpoint: str, weight: int) -> None:
    with store.begin() as c:
        routes.set_weights(c, SystemClock(), endpoint, {"1": weight}, actor="tester", reason="a test")


@contextmanager
def listening(store: Store, heard: Callable[[], None]) -> Iterator[None]:
    ended = threading.Event()
    thread = threading.Thread(target=notices.listen, args=(store, heard, ended))
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join(PATIENCE_S)
        assert not thread.is_alive()


@pytest.mark.system
def test_it_is_heard_once_committed_and_again_after_the_connection_was_lost(store: Store) -> None:
    heard: Queue[bool] = Queue()
    with listening(store, lambda: heard.put(True)):
        heard.get(timeout=PATIENCE_S)  # it listens now
        put(store, "loans", 1)
        heard.get(timeout=PATIENCE_S)
        with pytest.raises(RuntimeError), store.begin() as c:
            routes.set_weights(c, SystemClock(), "loans", {"1": 9}, actor="tester", reason="a test")
            raise RuntimeError
        assert heard.empty()
        with store.begin() as c:
            ended = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE 'LISTEN%'"
            assert c.execute(text(ended)).all() == [(True,)]
        heard.get(timeout=PATIENCE_S)  # it listens again, and may have missed something
        put(store, "loans", 2)
        heard.get(timeout=PATIENCE_S)


@pytest.mark.system
def test_a_host_follows_at_the_word_without_waiting_for_its_turn(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(host_module, "POLL_S", 3600)

    async def work() -> None:
        host = Host(Registry(store, open_artifacts(str(tmp_path), tmp_path / "cache")))
        loop = asyncio.get_running_loop()
        following = asyncio.create_task(host.follow())
        with listening(store, lambda: loop.call_soon_threadsafe(host.hurry)):
            await host.ready.wait()
            await asyncio.to_thread(put, store, "loans", 1)
            while host.trouble is None:  # there is no such version: but that the route names it, it knows
                await asyncio.sleep(0.01)
        following.cancel()

    asyncio.run(asyncio.wait_for(work(), PATIENCE_S))


def test_where_the_database_carries_no_word_it_returns_at_once(tmp_path: Path) -> None:
    store = open_store(f"sqlite:///{tmp_path / 'n.db'}")
    notices.listen(store, lambda: pytest.fail("heard something"), threading.Event())
    put(store, "loans", 1)
    store.close()
