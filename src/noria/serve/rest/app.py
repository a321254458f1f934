"""REST: paths and methods to the use cases, as a granian RSGI application.

Written on the bare server interface: a framework's routing and request objects cost more than the model does.
"""

import asyncio
import logging
import zlib
from collections.abc import Awaitable, Callable
from typing import Any

from noria import __version__
from noria.errors import BadInput, NoriaError, StoreUnavailable
from noria.serve.predict import Service
from noria.serve.protocol import EXTENSIONS, Answer
from noria.serve.rest import binary, wire
from noria.serve.rest.errors import Refused, status_of

log = logging.getLogger("noria.serve")
MOST_BYTES = 64 << 20
BEGIN_S = 10.0
JSON = ("content-type", "application/json")
DIGITS = 18  # more than any version number has

Headers = list[tuple[str, str]]
Reply = tuple[int, Headers, bytes]


class App:
    """Answers HTTP requests. ``begin`` and ``end`` are what the server process calls around its life."""

    def __init__(self, service: Service, begin: Callable[[], None], end: Callable[[], Awaitable[None]]) -> None:
        self.service = service
        self._begin = begin
        self._end = end

    def __rsgi_init__(self, loop: asyncio.AbstractEventLoop) -> None:
        loop.call_soon(self._begin)

    def __rsgi_del__(self, loop: asyncio.AbstractEventLoop) -> None:
        loop.run_until_complete(self._end())

    async def __rsgi__(self, scope: Any, proto: Any) -> None:
        try:
            status, headers, body = await self._answer(scope, proto)
        except NoriaError as error:
            status, headers, body = _failed(status_of(error), str(error))
        except Refused as error:
            status, headers, body = _failed(error.status, str(error))
        except Exception as error:
            log.exception("a request failed")
            status, headers, body = _failed(500, f"{type(error).__name__}: see the server's log")
        proto.response_bytes(status, headers, body)

    async def _answer(self, scope: Any, proto: Any) -> Reply:
        parts = scope.path.strip("/").split("/")
        if not self.service.host.ready.is_set() and parts[:2] != ["v2", "health"]:
            await self._begun()
        match parts:
            case ["v2", "models", model, "infer"]:
                return await self._infer(scope, proto, model, None)
            case ["v2", "models", model, "versions", version, "infer"]:
                return await self._infer(scope, proto, model, version)
            case ["v2", "models", model, "predict"]:
                return await self._predict(scope, proto, model, None)
            case ["v2", "models", model, "versions", version, "predict"]:
                return await self._predict(scope, proto, model, version)
            case ["v2", "feedback"]:
                return await self._feedback(scope, proto, None)
            case ["v2", "models", model, "feedback"]:
                return await self._feedback(scope, proto, model)
            case ["v2", "repository", "index"]:
                _method(scope, "POST")
                return _json(self._index())
        found = await self._look(parts)
        _method(scope, "GET")
        return found

    async def _begun(self) -> None:
        """Wait for the first look at the routes: the port is open before it, and in another worker's stead."""
        host = self.service.host
        try:
            await asyncio.wait_for(host.ready.wait(), BEGIN_S)
        except TimeoutError as error:
            raise StoreUnavailable(
                host.trouble or "the server is still loading", where="server", do="Ask again later."
            ) from error

    async def _infer(self, scope: Any, proto: Any, model: str, version: str | None) -> Reply:
        body = await _body(scope, proto)
        length = scope.headers.get(binary.HEADER)
        request, raw = wire.infer(model, _number(version), body, None if length is None else _length(length, len(body)))
        answer = await self.service.predict(request)
        found, head = wire.answer_infer(answer, request, raw)
        headers = _headers(answer)
        if head is not None:
            headers[0] = ("content-type", "application/octet-stream")
            headers.append((binary.HEADER, str(head)))
        return 200, headers, found

    async def _predict(self, scope: Any, proto: Any, model: str, version: str | None) -> Reply:
        request = wire.predict(model, _number(version), await _body(scope, proto))
        answer = await self.service.predict(request)
        return 200, _headers(answer), wire.answer_predict(answer, request)

    async def _feedback(self, scope: Any, proto: Any, model: str | None) -> Reply:
        body = await _body(scope, proto)
        if model is not None:
            self.service.host.endpoint(model)
        told = wire.feedback(body)
        await self.service.tell(told, endpoint=model)
        return _json({"accepted": len(told)})

    async def _look(self, parts: list[str]) -> Reply:
        host = self.service.host
        match parts:
            case ["v2"]:
                return _json({"name": "noria", "version": __version__, "extensions": list(EXTENSIONS)})
            case ["v2", "health", "live"]:
                return _json({"live": True})
            case ["v2", "health", "ready"]:
                ready = host.ready.is_set()
                return _json({"live": True, "ready": ready}, 200 if ready else 503)
            case ["v2", "models"]:
                return _json({"models": list(host.endpoints)})
            case ["v2", "models", model]:
                return _json(await self._metadata(model, None))
            case ["v2", "models", model, "versions", version]:
                return _json(await self._metadata(model, _number(version)))
            case ["v2", "models", model, "ready"] | ["v2", "models", model, "versions", _, "ready"]:
                number = _number(parts[4]) if len(parts) == 6 else None
                endpoint, _, loaded = host.pick(model, number, "")
                ready = bool(endpoint.loaded) if number is None else loaded is not None
                return _json({"name": model, "ready": ready}, 200 if ready else 503)
        raise Refused(404, f"there is nothing at /{'/'.join(parts)}")

    async def _metadata(self, model: str, version: int | None) -> dict[str, Any]:
        endpoint, known, loaded = self.service.host.pick(model, version, "")
        loaded = loaded or await self.service.host.load(model, known)
        inputs = [{"name": f.name, "datatype": f.datatype, "shape": [-1]} for f in loaded.signature.inputs]
        return {
            "name": model,
            "versions": [str(number) for number in endpoint.wanted.versions],
            "platform": "noria",
            "inputs": inputs,
            "outputs": loaded.signature.outputs(),
            "parameters": {"weights": dict(endpoint.wanted.weights), "revision": endpoint.wanted.revision},
        }

    def _index(self) -> list[dict[str, str]]:
        return [
            {
                "name": name,
                "version": str(number),
                "state": "READY" if number in one.loaded else "UNAVAILABLE",
                "reason": "" if number in one.loaded else "not loaded; a request for it loads it",
            }
            for name, one in self.service.host.endpoints.items()
            for number in one.wanted.versions
        ]


async def _body(scope: Any, proto: Any) -> bytes:
    """The whole body of a POST, unpacked; refused before it is read if it says that it is too large."""
    _method(scope, "POST")
    headers = scope.headers
    length = headers.get("content-length")
    if length is not None and int(length) > MOST_BYTES:
        raise Refused(413, f"the body has {length} bytes; at most {MOST_BYTES} are taken")
    if length is None:
        parts, size = [], 0
        async for part in proto:
            size += len(part)
            if size > MOST_BYTES:
                raise Refused(413, f"the body has more than {MOST_BYTES} bytes")
            parts.append(part)
        body = b"".join(parts)
    else:
        body = await proto()
    encoding = headers.get("content-encoding")
    return body if encoding is None else _unpacked(body, encoding.lower())


def _unpacked(body: bytes, encoding: str) -> bytes:
    windows = {"gzip": 31, "deflate": 15, "identity": 0}
    if encoding not in windows:
        raise Refused(415, f"Content-Encoding {encoding} is not known; use gzip or deflate")
    if encoding == "identity":
        return body
    unpacker = zlib.decompressobj(windows[encoding])
    try:
        plain = unpacker.decompress(body, MOST_BYTES + 1)
    except zlib.error as error:
        raise BadInput(f"the body is not {encoding}: {error}", where="body", do="Send what the header says.") from error
    if len(plain) > MOST_BYTES:
        raise Refused(413, f"the body unpacks to more than {MOST_BYTES} bytes")
    return plain


def _method(scope: Any, method: str) -> None:
    if scope.method != method:
        raise Refused(405, f"{scope.method} is not answered at {scope.path}; use {method}")


def _number(version: str | None) -> int | None:
    if version is None:
        return None
    if not version.isdecimal() or len(version) > DIGITS:
        raise Refused(404, f"version {version!r} is no number")
    return int(version)


def _length(text: str, most: int) -> int:
    if not text.isdecimal() or len(text) > DIGITS or int(text) > most:
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
    return status, [JSON], wire.ENCODER.encode(value)


def _failed(status: int, message: str) -> Reply:
    return _json({"error": message}, status)
