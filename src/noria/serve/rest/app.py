"""REST: paths and methods to the use cases, as a granian RSGI application.

Written on the bare server interface: a framework's routing and request objects cost more than the model does.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from time import perf_counter
from typing import Any

from granian.rsgi import ProtocolClosed, ProtocolError  # type: ignore[attr-defined]  # its public place for them

from noria.errors import NoriaError
from noria.serve import about
from noria.serve.door import INFER, NEAR, is_near
from noria.serve.host import Endpoint
from noria.serve.manage import Manager
from noria.serve.predict import Service
from noria.serve.rest import binary, quick, replies, routes, rows
from noria.serve.rest.body import Bodies
from noria.serve.rest.calls import Call, Calls
from noria.serve.rest.errors import Refused, status_of
from noria.serve.rest.quick import Lane
from noria.serve.rest.replies import Reply
from noria.serve.watch import Seen

log = logging.getLogger("noria.serve")


class App:
    """Answers HTTP requests. ``begin`` and ``end`` are what the server process calls around its life."""

    def __init__(
        self,
        service: Service,
        begin: Callable[[], None],
        end: Callable[[], Awaitable[None]],
        manager: Manager | None = None,
    ) -> None:
        self.service = service
        self.bodies = Bodies(service.limits)
        self._begin = begin
        self._end = end
        self._calls = Calls(service, manager)
        self._door = service.door
        self._most = service.limits.body
        self._access = service.watch.access
        self._lanes: Mapping[str, Lane] = {}
        self._followed: Mapping[str, Endpoint] | None = None

    def __rsgi_init__(self, loop: asyncio.AbstractEventLoop) -> None:
        loop.call_soon(self._begin)

    def __rsgi_del__(self, loop: asyncio.AbstractEventLoop) -> None:
        loop.run_until_complete(self._end())

    async def __rsgi__(self, scope: Any, proto: Any) -> None:
        lane = self._lane(scope)
        if lane is None:
            status, headers, said = await self._seen(scope, proto)
        else:
            began = perf_counter() if self._access is not None else 0.0
            try:
                token = self._door.check(scope.headers.get("authorization"), INFER) if self._door.required else None
                sent = await self.bodies.whole(proto)
                answered = lane.answer(sent)
            except Exception as error:
                status, headers, said = self._failed(Seen("rest", "POST", scope.path, model=lane.model), error)
            else:
                if answered is None:
                    status, headers, said = await self._declined(scope, lane, sent, token)
                else:
                    status, (headers, said) = 200, answered
                    if self._access is not None:
                        self._access.quick(scope.path, lane.model, headers, perf_counter() - began, token)
        proto.response_bytes(status, headers, said)

    def _lane(self, scope: Any) -> Lane | None:
        """The quick way for the request, if there is one; only JSON bodies of a known length take it."""
        endpoints = self.service.host.endpoints
        if endpoints is not self._followed:
            self._followed, self._lanes = endpoints, _lanes(self.service)
        lane = self._lanes.get(scope.path)
        if lane is None or scope.method != "POST":
            return None
        headers = scope.headers
        length = headers.get("content-length")
        if length is None or int(length) > self._most or "content-encoding" in headers or binary.HEADER in headers:
            return None
        return lane

    async def _declined(self, scope: Any, lane: Lane, sent: bytes, token: str | None) -> Reply:
        """What the quick way does not take."""
        seen = Seen("rest", "POST", scope.path, model=lane.model, token=token)
        try:
            answered: Awaitable[Reply] = getattr(self._calls, lane.call)(
                Call(lane.model, lane.version, sent, scope.headers, seen)
            )
            return self._done(seen, await answered)
        except Exception as error:
            return self._failed(seen, error)

    async def _seen(self, scope: Any, proto: Any) -> Reply:
        seen = Seen("rest", scope.method, scope.path)
        tracer = self.service.watch.tracer
        try:
            if tracer is None:
                return self._done(seen, await self._answer(scope, proto, seen))
            with tracer.request(f"{scope.method} {scope.path}", scope.headers, "rest") as span:
                reply = await self._answer(scope, proto, seen)
                seen.traced(span)
            return self._done(seen, reply)
        except Exception as error:
            return self._failed(seen, error)

    async def _answer(self, scope: Any, proto: Any, seen: Seen) -> Reply:
        route, names = routes.find(scope.method, scope.path)
        seen.model = names.get("model", "")
        if not (route.early or self.service.host.ready.is_set()):
            await self.service.host.begun()
        if not (route.role == NEAR and is_near(scope.client)):
            seen.token = self._door.check(scope.headers.get("authorization"), route.role)
        sent = b"" if route.method == "GET" else await self.bodies.read(scope, proto)
        call = Call(seen.model, about.number(names.get("version")), sent, scope.headers, seen)
        answered: Awaitable[Reply] = getattr(self._calls, route.call)(call)
        return await answered

    def _done(self, seen: Seen, reply: Reply) -> Reply:
        self.service.watch.done(seen, str(reply[0]), reply[0] >= 400, self.service.host.endpoints)
        return reply

    def _failed(self, seen: Seen, error: Exception) -> Reply:
        if isinstance(error, NoriaError):
            reply = replies.failed(status_of(error), str(error))
        elif isinstance(error, Refused):
            reply = replies.failed(error.status, str(error))
        elif isinstance(error, (ProtocolClosed, ProtocolError)):
            reply = replies.failed(400, "the body ended before its length")
        else:
            log.error("a request failed", exc_info=error)
            reply = replies.failed(500, f"{type(error).__name__}: see the server's log")
        return self._done(seen, reply)


def _lanes(service: Service) -> dict[str, Lane]:
    """Where requests may take the quick way, by path; none where they are traced."""
    found: dict[str, Lane] = {}
    for name, endpoint in service.host.endpoints.items() if service.watch.tracer is None else ():
        for form in (quick.INFER, rows.PREDICT):
            found[f"/v2/models/{name}/{form.call}"] = Lane(service, name, None, form)
            for number in endpoint.loaded:
                found[f"/v2/models/{name}/versions/{number}/{form.call}"] = Lane(service, name, number, form)
    return found
