"""One server process: what granian starts, from the environment that ``server.py`` leaves it."""

import asyncio
import contextlib
from pathlib import Path

from noria import settings
from noria.serve.capture import Spool
from noria.serve.follow import Registry
from noria.serve.host import Host
from noria.serve.predict import Service
from noria.serve.rest.app import App
from noria.store.artifacts import open_artifacts
from noria.store.engine import open_store


def app() -> App:
    """The application, with its two background tasks: following the routes, and tending the spool."""
    found = settings.load(Path.cwd())
    store = open_store(found.db)
    host = Host(Registry(store, open_artifacts(found.artifacts, found.cache)))
    spool = Spool(found.spool)
    tasks: list[asyncio.Task[None]] = []

    def begin() -> None:
        tasks.extend(asyncio.ensure_future(work) for work in (host.follow(), spool.tend()))

    async def end() -> None:
        for task in tasks:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task
        await spool.rotate()
        store.close()

    return App(Service(host, spool), begin, end)
