"""A caller for what wrk cannot do: requests that differ, on connections that come and go, each told of by itself."""

import selectors
import socket
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from time import perf_counter, sleep

from benchmarks.measure import Trouble

AGAIN_S = 0.02  # until a server that refuses connections is asked again
PATIENCE_S = 30.0  # for an answer, or a server that takes connections


@dataclass(frozen=True, slots=True)
class Reply:
    """What became of the request with this number; times by ``perf_counter``. Status 0: the connection broke."""

    number: int
    began: float
    ended: float
    status: int
    head: bytes
    body: bytes


@dataclass(slots=True)
class Line:
    """A connection with one request on its way."""

    wire: socket.socket
    number: int
    began: float
    got: bytearray = field(default_factory=bytearray)

    def whole(self) -> tuple[int, bytes, bytes] | None:
        """Status, headers and body of an answer that came whole."""
        head, gap, body = bytes(self.got).partition(b"\r\n\r\n")
        if not gap:
            return None
        length = int(head.lower().partition(b"content-length:")[2].split(b"\r\n", 1)[0])
        return (int(head.split(b" ", 2)[1]), head, body) if len(body) >= length else None


def post(path: str, body: bytes) -> bytes:
    """A request as bytes."""
    return b"POST %b HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n%b" % (path.encode(), len(body), body)


def call(port: int, connections: int, requests: Iterator[bytes], told: Callable[[Reply], object]) -> None:
    """Send all requests, on so many connections at once; one whose connection broke is told of and sent again.

    Raises
    ------
    Trouble
        If no connection is taken, or nothing is answered, for half a minute.
    """
    waiting: deque[tuple[int, bytes]] = deque()
    numbered = enumerate(requests)
    sent: dict[int, bytes] = {}
    lines: set[socket.socket] = set()
    with selectors.DefaultSelector() as chosen:

        def following() -> tuple[int, bytes] | None:
            return waiting.popleft() if waiting else next(numbered, None)

        def start(wire: socket.socket | None) -> None:
            """The next request, on this connection or a new one."""
            one = following()
            if one is None:
                if wire is not None:
                    wire.close()
                return
            wire = wire or _connected(port)
            sent[one[0]] = one[1]
            line = Line(wire, one[0], perf_counter())
            chosen.register(wire, selectors.EVENT_READ, line)
            lines.add(wire)
            try:
                wire.sendall(one[1])
            except OSError:
                finish(line, None)

        def finish(line: Line, found: tuple[int, bytes, bytes] | None) -> None:
            chosen.unregister(line.wire)
            lines.discard(line.wire)
            status, head, body = found or (0, b"", b"")
            told(Reply(line.number, line.began, perf_counter(), status, head, body))
            request = sent.pop(line.number)
            if found is None:
                line.wire.close()
                waiting.append((line.number, request))
                start(None)
            else:
                start(line.wire)

        for _ in range(connections):
            start(None)
        while lines:
            came = chosen.select(PATIENCE_S)
            if not came:
                raise Trouble("the server does not answer any more")
            for key, _ in came:
                line: Line = key.data
                try:
                    part = line.wire.recv(1 << 16)
                except OSError:
                    part = b""
                if not part:
                    finish(line, None)
                    continue
                line.got += part
                found = line.whole()
                if found is not None:
                    finish(line, found)


def _connected(port: int) -> socket.socket:
    """A connection to a server that may just be on its way up."""
    end = perf_counter() + PATIENCE_S
    while True:
        try:
            return socket.create_connection(("127.0.0.1", port), timeout=PATIENCE_S)
        except OSError:
            if perf_counter() > end:
                raise Trouble("the server takes no connections any more") from None
            sleep(AGAIN_S)
