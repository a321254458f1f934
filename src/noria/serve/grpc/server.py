"""The gRPC edge of a server process: threads that answer, beside the event loop on which all else happens.

A thread answers plain inference itself (``quick.py``): to hand it to the event loop takes longer than the answer.
Everything else is handed there. Workers share the port; the kernel divides connections among them.
"""

import asyncio
import logging
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from threading import Semaphore, get_ident
from typing import Any, NoReturn

import grpc

from noria.errors import NoriaError
from noria.serve.grpc import wire
from noria.serve.grpc.calls import INFERENCE, SERVICES, Call
from noria.serve.grpc.errors import one_line, refuse
from noria.serve.grpc.messages import InferRequest, InferResponse, StreamResponse
from noria.serve.grpc.quick import Lane
from noria.serve.host import Endpoint
from noria.serve.ids import Ids
from noria.serve.predict import Service
from noria.serve.protocol import MOST_BYTES

log = logging.getLogger("noria.serve")
THREADS = 32
STREAMS = 16  # of the threads; a stream holds one for as long as it is open
OPTIONS = (
    ("grpc.so_reuseport", 1),
    ("grpc.max_receive_message_length", MOST_BYTES),
    ("grpc.max_send_message_length", -1),
)
Lanes = dict[tuple[str, str], Lane]
Handler = Callable[[bytes, grpc.ServicerContext], bytes]


@dataclass(frozen=True, slots=True)
class _Held:
    """What was made for the endpoints of a moment, by thread: to share it and wait takes a fifth of a request.

    Once the endpoints are others, all of it is let go together, and with it the versions that left.
    """

    endpoints: Mapping[str, Endpoint]
    lanes: dict[int, Lanes] = field(default_factory=dict)


class Edge:
    """Answers gRPC calls on an address (``127.0.0.1:8081``) until it is stopped."""

    def __init__(self, service: Service, loop: asyncio.AbstractEventLoop, address: str) -> None:
        self.address = address
        self._service = service
        self._loop = loop
        self._held = _Held(service.host.endpoints)
        self._streams = Semaphore(STREAMS)
        self._server = grpc.server(ThreadPoolExecutor(THREADS, thread_name_prefix="grpc"), options=OPTIONS)
        self._server.add_generic_rpc_handlers(tuple(self._handlers()))

    def start(self) -> int:
        """Listen; the port.

        Raises
        ------
        RuntimeError
            If the address cannot be had.
        """
        port: int = self._server.add_insecure_port(self.address)
        self._server.start()
        return port

    async def stop(self, grace_s: float) -> None:
        """Take no more calls, and wait for those under way, at most so long."""
        await asyncio.to_thread(self._server.stop(grace_s).wait)

    def _handlers(self) -> Iterator[grpc.GenericRpcHandler]:
        for service, calls in SERVICES.items():
            methods = {name: grpc.unary_unary_rpc_method_handler(self._guarded(call)) for name, call in calls.items()}
            if service == INFERENCE:
                methods["ModelInfer"] = grpc.unary_unary_rpc_method_handler(self._infer)
                methods["ModelStreamInfer"] = grpc.stream_stream_rpc_method_handler(self._stream)
            yield grpc.method_handlers_generic_handler(service, methods)

    def _guarded(self, call: Call) -> Handler:
        def answer(data: bytes, context: grpc.ServicerContext) -> bytes:
            try:
                return self._on_loop(call, wire.parse(call.kind, data))
            except NoriaError as error:
                refuse(context, error)
            except Exception as error:
                _accident(context, error)

        return answer

    def _on_loop(self, call: Call, asked: Any) -> bytes:
        async def work() -> bytes:
            if not (call.early or self._service.host.ready.is_set()):
                await self._service.host.begun()
            made: bytes = (await call.answer(self._service, asked)).SerializeToString()
            return made

        return asyncio.run_coroutine_threadsafe(work(), self._loop).result()

    def _infer(self, data: bytes, context: grpc.ServicerContext) -> bytes:
        try:
            return self._inferred(data)
        except NoriaError as error:
            refuse(context, error)
        except Exception as error:
            _accident(context, error)

    def _inferred(self, data: bytes) -> bytes:
        asked = wire.parse(InferRequest, data)
        lane = self.lane(asked.model_name, asked.model_version)
        answered = None if lane is None else lane.answer(asked)
        return self._on_loop(SERVICES[INFERENCE]["ModelInfer"], asked) if answered is None else answered

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
        """Where requests may take the quick way, by model and version as they are asked for."""
        asked: dict[tuple[str, str], int | None] = {(name, ""): None for name in endpoints}
        asked |= {(name, str(number)): number for name, one in endpoints.items() for number in one.loaded}
        ids = Ids()
        return {key: Lane(self._service, ids, key[0], number) for key, number in asked.items()}

    def _stream(self, requests: Iterable[bytes], context: grpc.ServicerContext) -> Iterator[bytes]:
        """One answer for each request, in their order; what is wrong with one ends the others' stream not."""
        if not self._streams.acquire(blocking=False):
            context.abort(grpc.StatusCode.RESOURCE_EXHAUSTED, f"{STREAMS} streams are open; use ModelInfer")
        try:
            for data in requests:
                yield self._one_of_stream(data).SerializeToString()
        finally:
            self._streams.release()

    def _one_of_stream(self, data: bytes) -> Any:
        try:
            return StreamResponse(infer_response=InferResponse.FromString(self._inferred(data)))
        except NoriaError as error:
            return StreamResponse(error_message=one_line(error))
        except Exception as error:
            return StreamResponse(error_message=_said(error))


def _accident(context: grpc.ServicerContext, error: Exception) -> NoReturn:
    context.abort(grpc.StatusCode.INTERNAL, _said(error))
    raise AssertionError("abort raises")


def _said(error: Exception) -> str:
    log.error("a request failed", exc_info=error)
    return f"{type(error).__name__}: see the server's log"
