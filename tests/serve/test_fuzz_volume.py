"""Fifty thousand requests whose bytes were changed at random, many on a connection: no accident, and no growth.

They are pipelined, so that the server and not the client takes the time. ``FAULT_SEED`` repeats a run.
"""

import os
import random
import re
import socket
from pathlib import Path

import pytest

from serve.live import Live
from serve.test_fuzz import dicing, mangled, rest

pytestmark = pytest.mark.system
REQUESTS, AT_ONCE = 50_000, 100
GROWTH_MB = 64  # that the worker's memory may differ by: pools and caches fill first
BODIES = {
    "/v2/models/loans/infer": rest().partition(b"\r\n\r\n")[2],
    "/v2/models/loans/versions/1/infer": (
        b'{"id": "7", "inputs": [{"name": "age", "datatype": "INT64", "shape": [2, 1], "data": [[1], [2]]},'
        b'{"name": "job", "datatype": "BYTES", "shape": [2], "data": ["a", null]}], "outputs": [{"name": "label"}]}'
    ),
    "/v2/models/loans/predict": b'{"rows": [{"age": 40, "amount": 1.5, "job": "a", "sex": "f"}], "subject": 7}',
    "/v2/models/loans/invocations": b'{"dataframe_split": {"columns": ["age", "job"], "data": [[1, "x"], [null, 2]]}}',
    "/v2/feedback": b'{"feedback": [{"prediction_id": "x", "label": "yes", "rating": 0.5}]}',
    "/v2/models/loans/feedback": b'{"prediction_id": "x", "rating": 1e400}',
    "/v2/repository/index": b'{"ready": true}',
    "/v2/repository/models/loans/load": b'{"parameters": {"version": "2"}}',
}
STRANGE = (
    b"NaN",
    b"Infinity",
    b"1" * 400,
    b"-1e999",
    b"\xff\xfe",
    b"\\ud800",
    b"[" * 300,
    b'{"a":' * 200,
    b"\0",
    b"null",
)
HEADERS = (b"", b"", b"", b"Content-Encoding: gzip\r\n", b"Inference-Header-Content-Length: 40\r\n", b"If-Match: x\r\n")


def body(dice: random.Random, valid: bytes) -> bytes:
    data = mangled(dice, valid)
    if dice.random() < 0.4:
        at = dice.randrange(len(data) + 1)
        data = data[:at] + dice.choice(STRANGE) + data[at + dice.choice((0, 1, 4)) :]
    return data


def request(dice: random.Random) -> bytes:
    path = dice.choice(list(BODIES))
    sent = body(dice, BODIES[path])
    head = f"POST {path} HTTP/1.1\r\nHost: x\r\nContent-Length: {len(sent)}\r\n".encode()
    return head + dice.choice(HEADERS) + b"\r\n" + sent


def answers(wire: socket.socket, count: int) -> list[tuple[int, bytes]]:
    """Statuses and bodies of the next answers."""
    found, got = [], b""
    while len(found) < count:
        head, gap, rest_ = got.partition(b"\r\n\r\n")
        length = re.search(rb"content-length: (\d+)", head, re.IGNORECASE)
        if gap and length is not None and len(rest_) >= int(length[1]):
            found.append((int(head[9:12]), rest_[: int(length[1])]))
            got = rest_[int(length[1]) :]
            continue
        part = wire.recv(1 << 18)
        assert part, "the server hung up"
        got += part
    return found


def memory_mb(pid: int) -> float:
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6


def test_fifty_thousand_requests_of_changed_bytes_are_answered_or_refused_and_leave_nothing(server: Live) -> None:
    dice, seen, before = dicing(), dict[int, int](), 0.0
    (worker,) = server.children("noria.cli.main")
    with socket.create_connection(("127.0.0.1", server.port), timeout=120) as wire:
        for turn in range(REQUESTS // AT_ONCE):
            sent = [request(dice) for _ in range(AT_ONCE)]
            wire.sendall(b"".join(sent))
            for one, (status, said) in zip(sent, answers(wire, AT_ONCE), strict=True):
                assert status < 500, (one, said)
                assert status == 200 or said.startswith(b'{"error":'), (one, status, said)
                seen[status] = seen.get(status, 0) + 1
            if turn == REQUESTS // AT_ONCE // 5:
                before = memory_mb(worker)
    assert server.children("noria.cli.main") == [worker]
    assert memory_mb(worker) - before < GROWTH_MB
    assert {200, 400, 404} <= seen.keys(), seen
    assert server.predict().status_code == 200
    assert "Traceback" not in server.log()
