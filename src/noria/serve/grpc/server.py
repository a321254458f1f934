"""The gRPC edge of a server process: threads that answer, beside the event loop on which all else happens.

A thread answers plain inference itself (``quick.py``): to hand it to the event loop takes longer than the answer.
Everything else is handed there. Workers share the port; the kernel divides connections among them.
"""

import asyncio
import logging
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import CancelledError
from dataclasses import dataclass, field
from threading import Semaphore, get_ident
from time import perf_counter
from typing import Any, NoReturn

import grpc

from noria.errors import NoriaError, StoreUnavailable
from noria.serve.door import INFER
from noria.serve.grpc import wire
from noria.serve.grpc.calls import INFERENCE, SERVICES, Call
from noria.serve.grpc.errors import code_of, one_line, refuse
from noria.serve.grpc.messages import InferRequest, InferResponse, StreamResponse
from noria.serve.grpc.pool import Pool
from noria.serve.grpc.quick import Lane
from noria.serve.host import Endpoint
from noria.serve.ids import Ids
from noria.serve.predict import Service
from noria.serve.watch import Seen

log = logging.getLogger("noria.serve")
STREAMS = 64  # each holds a thread for as long as it is open
PLACE, STREAM = f"/{INFERENCE}/ModelInfer", f"/{INFERENCE}/ModelStreamInfer"
Lanes = dict[tuple[str, str], Lane]
Handler = Callable[[bytes, grpc.ServicerContext], bytes]
Answering = Callable[[bytes, Seen, grpc.ServicerContext], bytes]


@dataclass(frozen=True, slots=True)
class _Held:
    """What was made for the endpoints of a moment, by thread: to share it and wait takes a fifth of a request.

    Once the endpoints are others, all of it is let go together, and with it the versions that left.
    """

    endpoints: Mapping[str, Endpoint]
    lanes: dict[int, Lanes] = field(default_factory=dict)


class Edge:
    """Answers gRPC calls on an address (``127.0.0.1:8081``) until it is stopped.

    ``tls`` is the certificate and its key, as PEM.
    """

    def __init__(
        self, service: Service, loop: asyncio.AbstractEventLoop, address: str, tls: tuple[bytes, bytes] | None = None
    ) -> None:
        self.address = address
        self._tls = tls
        self._access = service.watch.access
        self._service = service
        self._loop = loop
        self._held = _Held(service.host.endpoints)
        self._streams = Semaphore(STREAMS)
        self._pool = Pool()
        self._server = grpc.server(self._pool, options=_options(service))
        self._server.add_generic_rpc_handlers(tuple(self._handlers()))

    def start(self) -> int:
        """Listen; the port.

        Raises
        ------
        RuntimeError
            If the address cannot be had.
        """
        if self._tls is None:
            port: int = self._server.add_insecure_port(self.address)
        else:
            cert, key = self._tls
            port = self._server.add_secure_port(self.address, grpc.ssl_server_credentials([(key, cert)]))
        self._server.start()
        return port

    async def stop(self, grace_s: float) -> None:
        """Take no more calls, and wait for those under way, at most so long."""
        await asyncio.to_thread(self._server.stop(grace_s).wait)

    def _handlers(self) -> Iterator[grpc.GenericRpcHandler]:
        for service, calls in SERVICES.items():
            methods = {
                name: grpc.unary_unary_rpc_method_handler(self._guarded(f"/{service}/{name}", call))
                for name, call in calls.items()
            }
            if service == INFERENCE:
                methods["ModelInfer"] = grpc.unary_unary_rpc_method_handler(self._watched(PLACE, INFER, self._inferred))
                methods["ModelStreamInfer"] = grpc.stream_stream_rpc_method_handler(self._stream)
            yield grpc.method_handlers_generic_handler(service, methods)

    def _guarded(self, path: str, call: Call) -> Handler:
        def answer(data: bytes, seen: Seen, context: grpc.ServicerContext) -> bytes:
            return self._on_loop(call, wire.parse(call.kind, data), seen, context)

        return self._watched(path, call.role, answer)

    def _watched(self, path: str, role: str, answer: Answering) -> Handler:
        """What answers, for those who may ask; a refusal has one of gRPC's statuses."""

        def handle(data: bytes, context: grpc.ServicerContext) -> bytes:
            seen = Seen("grpc", "", path)
            try:
                seen.token = self._token(context, role)
                return answer(data, seen, context)
            except NoriaError as error:
                self._done(seen, code_of(error).name, refused=True)
                refuse(context, error)
            except Exception as error:
                self._done(seen, grpc.StatusCode.INTERNAL.name, refused=True)
                _accident(context, error)

        return handle

    def _token(self, context: grpc.ServicerContext, role: str) -> str | None:
        """The name of the token that a call brings; see ``Door.check``."""
        door = self._service.door
        return door.check(_carried(context).get("authorization"), role) if door.required else None

    def _on_loop(self, call: Call, asked: Any, seen: Seen, context: grpc.ServicerContext) -> bytes:
        async def work() -> bytes:
            if not (call.early or self._service.host.ready.is_set()):
                await self._service.host.begun()
            tracer = self._service.watch.tracer
            if tracer is None:
                answered = await call.answer(self._service, asked, seen)
            else:
                with tracer.request(seen.path, _carried(context), seen.protocol) as span:
                    answered = await call.answer(self._service, asked, seen)
                    seen.traced(span)
            self._done(seen, "OK")
            made: bytes = answered.SerializeToString()
            return made

        with self._pool.waiting():
            try:
                return asyncio.run_coroutine_threadsafe(work(), self._loop).result()
            except CancelledError as error:  # the loop ends before the call does
                raise StoreUnavailable("the server is ending", where="server", do="Ask again.") from error

    def _inferred(self, data: bytes, seen: Seen, context: grpc.ServicerContext) -> bytes:
        asked = wire.parse(InferRequest, data)
        seen.model = asked.model_name
        lane = self.lane(asked.model_name, asked.model_version)
        answered = None if lane is None else lane.answer(asked)
        if answered is None:
            return self._on_loop(SERVICES[INFERENCE]["ModelInfer"], asked, seen, context)
        if self._access is not None:
            said = InferResponse.FromString(answered)
            id = said.parameters["prediction_id"].string_param
            self._access.note("grpc", "", seen.path, seen.model, said.model_version, "OK",
                              perf_counter() - seen.began, 1, id, seen.token)  # fmt: skip
        return answered

    def _done(self, seen: Seen, status: str, refused: bool = False) -> None:
        self._service.watch.done(seen, status, refused, self._service.host.endpoints)

    def lane(self, model: str, version: str) -> Lane | None:
        """This thread's quick way for a model and version as they are asked for, if there is one."""
        held, endpoints = self._held, self._service.host.endpoints
        if held.endpoints is not endpoints:
            held = self._held = _Held(endpoints)
        thread = get_ident()
        mine = held.lanes.get(thread)
        if mine is None:
            mine = held.lanes[thread] = self._opened(endpoints)
        return mine.get((model, version))

    def _opened(self, endpoints: Mapping[str, Endpoint]) -> Lanes:
        """Where requests may take the quick way, by model and version as they are asked for; none if it is traced."""
        if self._service.watch.tracer is not None:
            return {}
        asked: dict[tuple[str, str], int | None] = {(name, ""): None for name in endpoints}
        asked |= {(name, str(number)): number for name, one in endpoints.items() for number in one.loaded}
        ids = Ids()
        return {key: Lane(self._service, ids, key[0], number) for key, number in asked.items()}

    def _stream(self, requests: Iterable[bytes], context: grpc.ServicerContext) -> Iterator[bytes]:
        """One answer for each request, in their order; what is wrong with one ends the others' stream not."""
        try:
            token = self._token(context, INFER)
        except NoriaError as error:
            self._done(Seen("grpc", "", STREAM), code_of(error).name, refused=True)
            refuse(context, error)
        if not self._streams.acquire(blocking=False):
            context.abort(grpc.StatusCode.RESOURCE_EXHAUSTED, f"{STREAMS} streams are open; use ModelInfer")
        try:
            with self._pool.waiting():  # for its client, most of the time
                for data in requests:
                    yield self._one_of_stream(data, Seen("grpc", "", STREAM, token=token), context).SerializeToString()
        finally:
            self._streams.release()

    def _one_of_stream(self, data: bytes, seen: Seen, context: grpc.ServicerContext) -> Any:
        try:
            return StreamResponse(infer_response=InferResponse.FromString(self._inferred(data, seen, context)))
        except NoriaError as error:
            self._done(seen, code_of(error).name, refused=True)
            return StreamResponse(error_message=one_line(error))
        except Exception as error:
            self._done(seen, grpc.StatusCode.INTERNAL.name, refused=True)
            return StreamResponse(error_message=_said(error))


def _options(service: Service) -> list[tuple[str, int]]:
    return [
        ("grpc.so_reuseport", 1),
        ("grpc.max_receive_message_length", service.limits.body),
        ("grpc.max_send_message_length", -1),
    ]


def _carried(context: grpc.ServicerContext) -> dict[str, str]:
    """What a call brings beside its message."""
    return {name: value for name, value in context.invocation_metadata() if isinstance(value, str)}


def _accident(context: grpc.ServicerContext, error: Exception) -> NoReturn:
    context.abort(grpc.StatusCode.INTERNAL, _said(error))
    raise AssertionError("abort raises")


def _said(error: Exception) -> str:
    log.error("a request failed", exc_info=error)
    return f"{type(error).__name__}: see the server's log"
