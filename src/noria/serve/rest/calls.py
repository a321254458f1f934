"""What each path answers: one method for each ``Route.call``."""

import asyncio
from dataclasses import dataclass
from typing import Any

from noria.errors import BadInput, NotFound
from noria.serve import about
from noria.serve.manage import Manager
from noria.serve.predict import Service
from noria.serve.protocol import Answer, Request
from noria.serve.rest import answers, binary, mlflow, replies, wire
from noria.serve.rest.errors import Refused
from noria.serve.rest.replies import JSON, Reply
from noria.serve.watch import Seen


@dataclass(frozen=True, slots=True)
class Call:
    """What a request asks for: ``model`` and ``version`` are those of its path; ``seen`` is told what becomes of it."""

    model: str
    version: int | None
    body: bytes
    headers: Any
    seen: Seen


class Calls:
    """All that is answered over REST. ``manager`` changes routes; None: they are not changed from here."""

    def __init__(self, service: Service, manager: Manager | None = None) -> None:
        self._service = service
        self._host = service.host
        self._manager = manager

    async def infer(self, call: Call) -> Reply:
        length = call.headers.get(binary.HEADER)
        json_length = None if length is None else _length(length, len(call.body))
        if json_length == 0:
            return await self._raw(call)
        request, raw = wire.infer(call.model, call.version, call.body, json_length)
        return _inferred(await self._ask(request, call), request, raw)

    async def predict(self, call: Call) -> Reply:
        request = wire.predict(call.model, call.version, call.body)
        answer = await self._ask(request, call)
        return 200, replies.of(answer), answers.answer_predict(answer, request)

    async def invocations(self, call: Call) -> Reply:
        model = call.model or self._only()
        signature = (await about.model(self._host, model, call.version)).signature
        answer = await self._ask(mlflow.invocations(model, call.version, call.body, signature), call)
        return 200, replies.of(answer), mlflow.answer(answer)

    async def feedback(self, call: Call) -> Reply:
        if call.model:
            self._host.endpoint(call.model)
        told = wire.feedback(call.body)
        self._service.limits.check(len(told), 0)
        await self._service.tell(told, endpoint=call.model or None)
        return replies.json({"accepted": len(told)})

    async def live(self, call: Call) -> Reply:
        return replies.json({"live": True})

    async def ready(self, call: Call) -> Reply:
        ready = about.server_ready(self._host)
        return replies.json({"live": True, "ready": ready}, 200 if ready else 503)

    async def openapi(self, call: Call) -> Reply:
        from noria.serve.rest import openapi  # what most servers are never asked for is not kept in memory

        return 200, [JSON], openapi.document()

    async def metrics(self, call: Call) -> Reply:
        from noria.serve import metrics

        meter, spool = self._service.watch.meter, self._service.spool
        self._service.count()
        text = await asyncio.to_thread(metrics.text, meter, spool.folder, self._host.endpoints)
        return 200, [("content-type", metrics.MEDIA)], text

    async def about(self, call: Call) -> Reply:
        return replies.json(about.server())

    async def models(self, call: Call) -> Reply:
        return replies.json({"models": list(self._host.endpoints)})

    async def model_ready(self, call: Call) -> Reply:
        ready = about.ready(self._host, call.model, call.version)
        return replies.json({"name": call.model, "ready": ready}, 200 if ready else 503)

    async def metadata(self, call: Call) -> Reply:
        found = await about.model(self._host, call.model, call.version)
        return replies.json(
            {
                "name": call.model,
                "versions": found.versions,
                "platform": "noria",
                "inputs": found.inputs,
                "outputs": found.signature.outputs(),
                "parameters": found.parameters,
            }
        )

    async def index(self, call: Call) -> Reply:
        asked = wire.decode(wire.INDEX, call.body) if call.body else None
        return replies.json(about.index(self._host, asked is not None and asked.ready))

    async def load(self, call: Call) -> Reply:
        await about.load(self._host, call.model, wire.version(call.body))
        return replies.json({})

    async def unload(self, call: Call) -> Reply:
        about.unload(self._host, call.model, wire.version(call.body))
        return replies.json({})

    async def route(self, call: Call) -> Reply:
        found = await asyncio.to_thread(self._managing().show, call.model)
        return replies.json(found, 200, ("etag", f'"{found.revision}"'))

    async def set_route(self, call: Call) -> Reply:
        asked: wire.Weights = wire.decode(wire.WEIGHTS, call.body)
        expected = _revision(call.headers.get("if-match"))
        found, matched = await asyncio.to_thread(
            self._managing().change, call.model, asked.weights, asked.reason, call.seen.token, expected
        )
        if not matched:
            raise Refused(412, f"route {call.model} is at revision {found.revision}, not {expected}; look at it again")
        return replies.json(found, 200, ("etag", f'"{found.revision}"'))

    async def _ask(self, request: Request, call: Call) -> Answer:
        call.seen.model = request.model
        tracer = self._service.watch.tracer
        if tracer is None:
            answer = await self._service.predict(request)
        else:
            with tracer.predict():
                answer = await self._service.predict(request)
        call.seen.answered(answer)
        return answer

    async def _raw(self, call: Call) -> Reply:
        """The body is nothing but the values of the only input, and the answer's tensors are bytes."""
        signature = (await about.model(self._host, call.model, call.version)).signature
        request = binary.only(call.model, call.version, call.body, signature)
        asked = wire.Infer(inputs=[], parameters={"binary_data_output": True})
        return _inferred(await self._ask(request, call), request, asked)

    def _only(self) -> str:
        there = list(self._host.endpoints)
        if len(there) != 1:
            raise NotFound(
                f"there are {len(there)} models", where="server", do="Name one: /v2/models/NAME/invocations."
            )
        return there[0]

    def _managing(self) -> Manager:
        if self._manager is None:
            raise NotFound("routes are not changed here", where="server", do="Use 'noria route set'.")
        return self._manager


def _inferred(answer: Answer, request: Request, raw: wire.Infer) -> Reply:
    found, head = answers.answer_infer(answer, request, raw)
    headers = replies.of(answer)
    if head is not None:
        headers[0] = ("content-type", "application/octet-stream")
        headers.append((binary.HEADER, str(head)))
    return 200, headers, found


def _length(text: str, most: int) -> int:
    if not text.isdecimal() or len(text) > about.DIGITS or int(text) > most:
        raise BadInput(f"{binary.HEADER} is {text!r}", where="headers", do="Send the JSON part's length in bytes.")
    return int(text)


def _revision(text: str | None) -> int | None:
    """The revision that a change is made from, as ``If-Match`` gives it; None: whichever is in force."""
    if text is None or text.strip() == "*":
        return None
    found = text.strip().removeprefix("W/").strip('"')
    if not (found.isascii() and found.isdecimal()) or len(found) > about.DIGITS:
        raise BadInput(f"If-Match is {text[:40]!r}", where="headers", do="Send the ETag of the route.")
    return int(found)
