"""REST: paths and methods to the use cases, as a granian RSGI application.

Written on the bare server interface: a framework's routing and request objects cost more than the model does.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

from granian.rsgi import ProtocolClosed, ProtocolError  # type: ignore[attr-defined]  # its public place for them

from noria.errors import BadInput, NoriaError, NotFound
from noria.serve import about
from noria.serve.host import Endpoint
from noria.serve.predict import Service
from noria.serve.protocol import MOST_BYTES, Answer
from noria.serve.rest import answers, binary, body, mlflow, routes, wire
from noria.serve.rest.errors import Refused, status_of
from noria.serve.rest.quick import Lane

log = logging.getLogger("noria.serve")
JSON = ("content-type", "application/json")

Headers = list[tuple[str, str]]
Reply = tuple[int, Headers, bytes]


@dataclass(frozen=True, slots=True)
class Call:
    """What a request asks for: ``model`` and ``version`` are those of its path."""

    model: str
    version: int | None
    body: bytes
    headers: Any


class App:
    """Answers HTTP requests. ``begin`` and ``end`` are what the server process calls around its life."""

    def __init__(self, service: Service, begin: Callable[[], None], end: Callable[[], Awaitable[None]]) -> None:
        self.service = service
        self._begin = begin
        self._end = end
        self._lanes: Mapping[str, Lane] = {}
        self._followed: Mapping[str, Endpoint] = {}

    def __rsgi_init__(self, loop: asyncio.AbstractEventLoop) -> None:
        loop.call_soon(self._begin)

    def __rsgi_del__(self, loop: asyncio.AbstractEventLoop) -> None:
        loop.run_until_complete(self._end())

    async def __rsgi__(self, scope: Any, proto: Any) -> None:
        try:
            lane = self._lane(scope)
            if lane is None:
                status, headers, said = await self._answer(scope, proto)
            else:
                sent = await proto()
                answered = lane.answer(sent)
                if answered is None:
                    call = Call(lane.model, lane.version, sent, scope.headers)
                    status, headers, said = await self._infer(call)
                else:
                    status, (headers, said) = 200, answered
        except NoriaError as error:
            status, headers, said = _failed(status_of(error), str(error))
        except Refused as error:
            status, headers, said = _failed(error.status, str(error))
        except (ProtocolClosed, ProtocolError):
            status, headers, said = _failed(400, "the body ended before its length")
        except Exception as error:
            log.exception("a request failed")
            status, headers, said = _failed(500, f"{type(error).__name__}: see the server's log")
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
        if length is None or int(length) > MOST_BYTES or "content-encoding" in headers or binary.HEADER in headers:
            return None
        return lane

    async def _answer(self, scope: Any, proto: Any) -> Reply:
        route, names = routes.find(scope.method, scope.path)
        if not (route.early or self.service.host.ready.is_set()):
            await self.service.host.begun()
        sent = await body.read(scope, proto) if route.method == "POST" else b""
        call = Call(names.get("model", ""), about.number(names.get("version")), sent, scope.headers)
        answered: Awaitable[Reply] = getattr(self, f"_{route.call}")(call)
        return await answered

    async def _infer(self, call: Call) -> Reply:
        length = call.headers.get(binary.HEADER)
        json_length = None if length is None else _length(length, len(call.body))
        request, raw = wire.infer(call.model, call.version, call.body, json_length)
        answer = await self.service.predict(request)
        found, head = answers.answer_infer(answer, request, raw)
        headers = _headers(answer)
        if head is not None:
            headers[0] = ("content-type", "application/octet-stream")
            headers.append((binary.HEADER, str(head)))
        return 200, headers, found

    async def _predict(self, call: Call) -> Reply:
        request = wire.predict(call.model, call.version, call.body)
        answer = await self.service.predict(request)
        return 200, _headers(answer), answers.answer_predict(answer, request)

    async def _invocations(self, call: Call) -> Reply:
        model = call.model or self._only()
        signature = (await about.model(self.service.host, model, call.version)).signature
        answer = await self.service.predict(mlflow.invocations(model, call.version, call.body, signature))
        return 200, _headers(answer), mlflow.answer(answer)

    async def _feedback(self, call: Call) -> Reply:
        if call.model:
            self.service.host.endpoint(call.model)
        told = wire.feedback(call.body)
        await self.service.tell(told, endpoint=call.model or None)
        return _json({"accepted": len(told)})

    async def _live(self, call: Call) -> Reply:
        return _json({"live": True})

    async def _ready(self, call: Call) -> Reply:
        ready = self.service.host.ready.is_set()
        return _json({"live": True, "ready": ready}, 200 if ready else 503)

    async def _openapi(self, call: Call) -> Reply:
        from noria.serve.rest import openapi  # what most servers are never asked for is not kept in memory

        return 200, [JSON], openapi.document()

    async def _about(self, call: Call) -> Reply:
        return _json(about.server())

    async def _models(self, call: Call) -> Reply:
        return _json({"models": list(self.service.host.endpoints)})

    async def _model_ready(self, call: Call) -> Reply:
        ready = about.ready(self.service.host, call.model, call.version)
        return _json({"name": call.model, "ready": ready}, 200 if ready else 503)

    async def _metadata(self, call: Call) -> Reply:
        found = await about.model(self.service.host, call.model, call.version)
        return _json(
            {
                "name": call.model,
                "versions": found.versions,
                "platform": "noria",
                "inputs": found.inputs,
                "outputs": found.signature.outputs(),
                "parameters": found.parameters,
            }
        )

    async def _index(self, call: Call) -> Reply:
        asked = wire.decode(wire.INDEX, call.body) if call.body else None
        return _json(about.index(self.service.host, asked is not None and asked.ready))

    async def _load(self, call: Call) -> Reply:
        await about.load(self.service.host, call.model, wire.version(call.body))
        return _json({})

    async def _unload(self, call: Call) -> Reply:
        about.unload(self.service.host, call.model, wire.version(call.body))
        return _json({})

    def _only(self) -> str:
        there = list(self.service.host.endpoints)
        if len(there) != 1:
            raise NotFound(
                f"there are {len(there)} models", where="server", do="Name one: /v2/models/NAME/invocations."
            )
        return there[0]


def _lanes(service: Service) -> dict[str, Lane]:
    """Where requests may take the quick way, by path."""
    found = {}
    for name, endpoint in service.host.endpoints.items():
        found[f"/v2/models/{name}/infer"] = Lane(service, name, None)
        for number in endpoint.loaded:
            found[f"/v2/models/{name}/versions/{number}/infer"] = Lane(service, name, number)
    return found


def _length(text: str, most: int) -> int:
    if not text.isdecimal() or len(text) > about.DIGITS or int(text) > most:
        raise BadInput(f"{binary.HEADER} is {text!r}", where="headers", do="Send the JSON part's length in bytes.")
    return int(text)


def _headers(answer: Answer) -> Headers:
    return [
        JSON,
        ("noria-prediction-id", answer.prediction),
        ("noria-model-version", str(answer.version)),
        ("noria-release", answer.release),
        ("noria-variant", answer.variant),
    ]


def _json(value: Any, status: int = 200) -> Reply:
    return status, [JSON], answers.ENCODER.encode(value)


def _failed(status: int, message: str) -> Reply:
    return _json({"error": message}, status)
