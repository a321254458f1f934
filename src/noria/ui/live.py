"""What changes is told: server-sent events, each a mark; whoever hears another one asks for its page again.

One task looks for all: a query and some file times, twice a second while anybody listens.
"""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from noria.errors import NoriaError
from noria.run.place import Place
from noria.store import overview
from noria.ui.slow import Slow
from noria.ui.turns import Turns

log = logging.getLogger("noria.ui")
LOOK_S = 0.5
STILL_S = 15.0  # without a change, a line that keeps the connection
MOST = 200  # browsers that listen at once
AWAY = "away"  # the mark while the store cannot be asked
HEADERS = {"cache-control": "no-store", "x-accel-buffering": "no"}


class Live:
    """``begin`` and ``end`` are called around the application's life."""

    def __init__(self, place: Place, slow: Slow, turns: Turns) -> None:
        self._place, self._slow, self._turns = place, slow, turns
        self._mark = ""
        self._listening = 0
        self._task: asyncio.Task[None] | None = None
        self._changed = asyncio.Condition()
        self._look = asyncio.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._ended = False

    async def begin(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._task = asyncio.create_task(self._watch())

    async def end(self) -> None:
        self._ended = True
        async with self._changed:
            self._changed.notify_all()
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task

    def hurry(self) -> None:
        """Something was done here: look now."""
        if self._loop is not None:
            self._loop.call_soon_threadsafe(self._look.set)

    def answer(self, request: Request) -> Response:
        """A stream of marks, or that too many listen."""
        if self._listening >= MOST:
            return Response("too many browsers listen", 503, {"retry-after": "30"})
        return StreamingResponse(self._stream(), headers=HEADERS, media_type="text/event-stream")

    async def _stream(self) -> AsyncIterator[str]:
        self._listening += 1
        self._look.set()
        seen = None
        try:
            yield "retry: 2000\n\n"
            while not self._ended:
                if self._mark and self._mark != seen:
                    seen = self._mark
                    yield f"data: {seen}\n\n"
                elif not await self._waited():
                    yield ": still\n\n"
        finally:
            self._listening -= 1

    async def _waited(self) -> bool:
        """Whether something changed before it took too long."""
        with suppress(TimeoutError):
            async with asyncio.timeout(STILL_S), self._changed:
                await self._changed.wait()
                return True
        return False

    async def _watch(self) -> None:
        while True:
            if self._listening:
                await self._note(await asyncio.to_thread(self._seen))
            with suppress(TimeoutError):
                await asyncio.wait_for(self._look.wait(), LOOK_S)
            self._look.clear()

    async def _note(self, mark: str) -> None:
        if mark != self._mark:
            self._mark = mark
            async with self._changed:
                self._changed.notify_all()

    def _seen(self) -> str:
        try:
            with self._place.store.read() as c:
                store = overview.pulse(c)
        except NoriaError as error:
            log.warning("the store cannot be watched: %s", error)
            return AWAY
        return f"{store}-{self._turns.mark()}-{self._slow.turned}-{self._captured()}"

    def _captured(self) -> int:
        """Another number whenever answers or labels reached the tables."""
        logs = Path(self._place.settings.data, "_captured").glob("*/*/_delta_log")
        return max((log.stat().st_mtime_ns for log in logs), default=0)
