"""No request is an accident of the server: its OpenAPI document by schemathesis, and bytes on its sockets.

Each is bounded; FUZZ_TIMES=12 makes that so many times more, and ``pytest -s`` says how many of each. Fifty thousand
requests whose bytes were changed are sent by ``test_fuzz_volume.py``.
"""

import os
import random
import socket
import time

import grpc
import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings

from contracts.server import ROW
from serve.callers import Grpc
from serve.live import Live

pytestmark = pytest.mark.system
TIMES = int(os.environ.get("FUZZ_TIMES", "1"))
SECONDS = 4 * TIMES


def test_no_request_that_the_openapi_document_allows_or_forbids_is_an_accident(server: Live) -> None:
    schema = schemathesis.openapi.from_dict(server.http.get("/openapi.json").json())
    schema.config.update(base_url=server.url)
    count = 0
    for found in schema.get_all_operations():
        operation = found.ok()

        @given(case=operation.as_strategy())
        @settings(max_examples=8 * TIMES, deadline=None, suppress_health_check=list(HealthCheck), database=None)
        def ask(case: schemathesis.Case) -> None:
            nonlocal count
            reply = case.call(timeout=60)
            assert reply.status_code < 500, (case.as_curl_command(), reply.text)
            assert reply.status_code == 200 or reply.json().keys() == {"error"}
            count += 1

        ask()
    print(f"{count} calls of the document")
    assert count > 100
    assert server.predict().status_code == 200


def rest() -> bytes:
    body = (
        b'{"inputs": [{"name": "age", "datatype": "FP32", "shape": [1], "data": [40]}], "parameters": {"subject": 7}}'
    )
    head = f"POST /v2/models/loans/infer HTTP/1.1\r\nHost: x\r\nContent-Length: {len(body)}\r\n\r\n"
    return head.encode() + body


def mangled(dice: random.Random, valid: bytes) -> bytes:
    """The bytes with some changed, left out, doubled or put in."""
    data = bytearray(valid)
    for _ in range(dice.randint(1, 6)):
        at = dice.randrange(len(data) + 1)
        data[at : at + dice.choice((0, 0, 1, 3, 40))] = dice.randbytes(dice.choice((0, 1, 2, 9)))
    return bytes(data[: dice.choice((len(data), len(data), dice.randrange(len(data) + 1)))])


def poke(port: int, data: bytes) -> bytes:
    """What a socket says to bytes, before it or we hang up."""
    with socket.create_connection(("127.0.0.1", port), timeout=0.2) as found:
        try:
            found.sendall(data)
            found.shutdown(socket.SHUT_WR)
            return found.recv(4096)
        except OSError:
            return b""


def test_whatever_bytes_come_over_a_socket_rest_goes_on(server: Live) -> None:
    dice, end, count = dicing(), time.monotonic() + SECONDS, 0
    while time.monotonic() < end:
        reply = poke(server.port, mangled(dice, rest()))
        assert not reply.startswith(b"HTTP/1.1 5"), reply
        count += 1
    print(f"{count} connections")
    assert server.predict().status_code == 200


def test_no_body_whatever_bytes_are_in_it_is_an_accident_of_rest(server: Live) -> None:
    dice, end, count = dicing(), time.monotonic() + SECONDS, 0
    whole = rest().partition(b"\r\n\r\n")[2]
    bodies = {
        "/v2/models/loans/infer": whole,
        "/v2/models/loans/versions/1/infer": whole,
        "/v2/models/loans/predict": b'{"rows": [{"age": 40, "amount": 1.5, "job": "a", "sex": "f"}], "subject": 7}',
        "/invocations": b'{"dataframe_split": {"columns": ["age", "job"], "data": [[1, "x"]]}}',
        "/v2/feedback": b'{"feedback": [{"prediction_id": "x", "label": "yes", "rating": 0.5}]}',
        "/v2/repository/index": b'{"ready": true}',
    }
    while time.monotonic() < end:
        path = dice.choice(list(bodies))
        headers = dice.choice(
            ({}, {}, {"inference-header-content-length": str(dice.randint(-1, 200))}, {"content-encoding": "gzip"})
        )
        reply = server.http.post(path, content=mangled(dice, bodies[path]), headers=headers)
        assert reply.status_code < 500, (path, headers, reply.text)
        assert reply.status_code == 200 or list(reply.json()) == ["error"]
        count += 1
    print(f"{count} bodies")
    assert server.predict().status_code == 200


def test_whatever_bytes_come_over_a_socket_or_in_a_message_grpc_goes_on(server: Live) -> None:
    dice, end, caller, count = dicing(), time.monotonic() + SECONDS, Grpc(server), 0
    port = int(server.grpc.rpartition(":")[2])
    valid = [caller.request(ROW, raw=raw, version="1").SerializeToString() for raw in (False, True)]
    with grpc.insecure_channel(server.grpc) as channel:
        ask = channel.unary_unary("/inference.GRPCInferenceService/ModelInfer")
        while time.monotonic() < end:
            for _ in range(20):
                count += 1
                try:
                    ask(mangled(dice, dice.choice(valid)), timeout=60)
                except grpc.RpcError as refused:
                    known = grpc.StatusCode.INVALID_ARGUMENT, grpc.StatusCode.NOT_FOUND
                    assert refused.code() in known, refused.details()  # noqa: PT017  # an answer will do as well
            poke(port, mangled(dice, b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes(9) + valid[0]))
    print(f"{count} messages")
    assert caller.infer(ROW).model == "loans"
    assert "Traceback" not in server.log()
    caller.close()


def dicing() -> random.Random:
    seed = int(os.environ.get("FAULT_SEED") or random.SystemRandom().randrange(10**9))
    print(f"FAULT_SEED={seed}")
    return random.Random(seed)
