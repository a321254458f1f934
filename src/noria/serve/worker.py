"""One server process: what granian starts, from the environment that ``server.py`` leaves it."""

import asyncio
import contextlib
import logging
import os
import signal
import threading
from pathlib import Path
from typing import TYPE_CHECKING

from noria import settings
from noria.clock import SystemClock
from noria.serve import options
from noria.serve.access import AccessLog
from noria.serve.capture import Spool
from noria.serve.door import Door
from noria.serve.follow import Registry
from noria.serve.host import Host
from noria.serve.manage import Manager
from noria.serve.meter import Meter
from noria.serve.options import Options
from noria.serve.predict import Service
from noria.serve.rest.app import App
from noria.serve.trace import Tracer
from noria.serve.watch import Watch
from noria.store import notices, tokens
from noria.store.artifacts import open_artifacts
from noria.store.engine import Store, unopened
from noria.store.tokens import Token

if TYPE_CHECKING:
    from noria.serve.grpc.server import Edge

log = logging.getLogger("noria.serve")
PARENT_S = 0.25
TELL_S = 1.0
GRACE_S = 15.0  # for gRPC calls under way when the server is to end; a stream may be open for ever


def app() -> App:
    """The application, with its background tasks: following the routes, tending the spool."""
    found = settings.load(Path.cwd())
    store = unopened(found.db)  # this process may take another's place while the database is away
    said = options.found()
    host = Host(
        Registry(store, open_artifacts(found.artifacts, found.cache)),
        memory_mb=said.memory_mb,
        noted=lambda *batch: service.watch.meter.batch(*batch),
    )
    spool = Spool(found.spool)
    service = Service(host, spool, _watch(said), Door(), said.limits)
    manager = Manager(store, SystemClock())
    tasks: list[asyncio.Task[None]] = []
    edges: list[Edge] = []
    ended = threading.Event()

    def begin() -> None:
        address = os.environ["NORIA_SERVE_GRPC"]
        if address:
            edges.append(_edge(service, address, said))
        works = (
            _follow(service, store),
            spool.tend(),
            service.shadows.tend(),
            made.bodies.tend(),
            _tell(service),
            _announce(host),
        )
        tasks.extend(asyncio.ensure_future(work) for work in (*works, _outlive_nobody()))

        _listen(store, host, ended)

    async def end() -> None:
        ended.set()
        for edge in edges:
            await edge.stop(GRACE_S)
        for task in tasks:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task
        await spool.rotate()
        _told(service)
        if service.watch.tracer is not None:
            service.watch.tracer.close()
        store.close()

    made = App(service, begin, end, manager)
    return made


def _watch(said: Options) -> Watch:
    """What is told of requests, to whom it was said."""
    return Watch(
        Meter(Path(said.meters) if said.meters else None),
        AccessLog(said.access_log) if said.access_log else None,
        Tracer(said.traces) if said.traces else None,
    )


async def _follow(service: Service, store: Store) -> None:
    """Follow the tokens, and from when they are known the routes: before, nothing is answered."""

    def look() -> list[Token]:
        with store.read() as c:
            return tokens.tokens(c)

    known = asyncio.Event()
    keys = asyncio.ensure_future(service.door.follow(look, known))
    try:
        await known.wait()
        await service.host.follow()
    finally:
        keys.cancel()


def _listen(store: Store, host: Host, ended: threading.Event) -> None:
    """Look at the routes as soon as somebody tells that they changed; without that, when it is time to."""
    loop = asyncio.get_running_loop()

    def heard() -> None:
        with contextlib.suppress(RuntimeError):  # the loop has ended meanwhile
            loop.call_soon_threadsafe(host.hurry)

    threading.Thread(target=notices.listen, args=(store, heard, ended), daemon=True, name="notices").start()


async def _tell(service: Service) -> None:
    """Put what was counted where all processes find it, and write the access log, once a second."""
    while True:
        await asyncio.sleep(TELL_S)
        _told(service)


def _told(service: Service) -> None:
    meter, access = service.watch.meter, service.watch.access
    service.count()
    try:
        meter.keep()
    except OSError as error:  # the disk is full: this process still says what it counted
        log.debug("counts cannot be kept: %s", error)
    if access is not None:
        access.write()


def _edge(service: Service, address: str, said: Options) -> "Edge":
    """The gRPC edge, which listens; the port is held for it by ``server.py``."""
    from noria.serve.grpc.server import Edge

    tls = (Path(said.cert).read_bytes(), Path(said.key).read_bytes()) if said.tls else None
    found = Edge(service, asyncio.get_running_loop(), address, tls)
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
