"""One server process: what granian starts, from the environment that ``server.py`` leaves it."""

import asyncio
import contextlib
import os
import signal
from pathlib import Path
from typing import TYPE_CHECKING

from noria import settings
from noria.serve.capture import Spool
from noria.serve.follow import Registry
from noria.serve.host import Host
from noria.serve.predict import Service
from noria.serve.rest.app import App
from noria.store.artifacts import open_artifacts
from noria.store.engine import open_store

if TYPE_CHECKING:
    from noria.serve.grpc.server import Edge

PARENT_S = 0.25
GRACE_S = 15.0  # for gRPC calls under way when the server is to end; a stream may be open for ever


def app() -> App:
    """The application, with its background tasks: following the routes, tending the spool."""
    found = settings.load(Path.cwd())
    store = open_store(found.db)
    host = Host(Registry(store, open_artifacts(found.artifacts, found.cache)))
    spool = Spool(found.spool)
    service = Service(host, spool)
    tasks: list[asyncio.Task[None]] = []
    edges: list[Edge] = []

    def begin() -> None:
        address = os.environ["NORIA_SERVE_GRPC"]
        if address:
            edges.append(_edge(service, address))
        tasks.extend(
            asyncio.ensure_future(work) for work in (host.follow(), spool.tend(), _announce(host), _outlive_nobody())
        )

    async def end() -> None:
        for edge in edges:
            await edge.stop(GRACE_S)
        for task in tasks:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task
        await spool.rotate()
        store.close()

    return App(service, begin, end)


def _edge(service: Service, address: str) -> "Edge":
    """The gRPC edge, which listens; the port is held for it by ``server.py``."""
    from noria.serve.grpc.server import Edge

    found = Edge(service, asyncio.get_running_loop(), address)
    found.start()
    return found


async def _outlive_nobody() -> None:
    """End if the process that started this one was killed: it would keep the port, and nobody would look after it."""
    parent = int(os.environ["NORIA_SERVE_PID"])
    while os.getppid() == parent:
        await asyncio.sleep(PARENT_S)
    os.kill(os.getpid(), signal.SIGTERM)


async def _announce(host: Host) -> None:
    """Say where the server is once it answers; what ``server.py`` left in the environment says where that is."""
    await host.ready.wait()
    url, file = os.environ["NORIA_SERVE_URL"], os.environ["NORIA_SERVE_READY_FILE"]
    grpc = f" and grpc://{os.environ['NORIA_SERVE_GRPC']}" if os.environ["NORIA_SERVE_GRPC"] else ""
    print(f"noria serves {', '.join(host.endpoints) or 'no model yet'} at {url}{grpc} (Ctrl-C ends it)", flush=True)
    if file:
        draft = Path(f"{file}.{os.getpid()}")
        draft.write_text(url + "\n")
        os.replace(draft, file)
