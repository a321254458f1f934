"""A model in a process of its own, so that no code of a model can take the server down.

The two speak over a socket pair: a length, then MessagePack. Nothing that comes back is unpickled. The process ends
when its end of the socket is closed, so it never outlives the server; if it dies, the next call starts another.
"""

import asyncio
import logging
import socket
import struct
import subprocess
import sys
import threading
import weakref
from collections.abc import Mapping
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from noria.digest import Digest
from noria.errors import BadInput, Failure, StoreUnavailable

log = logging.getLogger("noria.serve")
HEAD = struct.Struct("<I")
START_S = 120.0  # to load a model: several may start at once, on a machine that is busy
ANSWER_S = 30.0  # to answer a batch; who takes longer hangs, and is ended
END_S = 5.0


class Package(msgspec.Struct, tag="package"):
    """What the process is to load: the package's bytes, and the digest they must have."""

    data: bytes
    digest: str


class Batch(msgspec.Struct, tag="batch"):
    """Rows to answer, by column."""

    columns: dict[str, list[Any]]


class Ready(msgspec.Struct, tag="ready"):
    """The package is loaded."""


class Scores(msgspec.Struct, tag="scores"):
    """float32, one row a row."""

    data: bytes
    width: int


class Wrong(msgspec.Struct, tag="wrong"):
    """What the model said instead. ``bad_input``: the rows are at fault."""

    what: str
    where: str
    do: str
    bad_input: bool


Asked = Package | Batch
Said = Ready | Scores | Wrong
ENCODE = msgspec.msgpack.Encoder().encode
DECODE_SAID = msgspec.msgpack.Decoder(Said).decode
DECODE_ASKED = msgspec.msgpack.Decoder(Asked).decode


class Died(Exception):
    """The process ended, or was ended because it hung, before it answered."""


class Apart:
    """One model's process. ``start`` may be called on any thread; ``scores`` belongs to one event loop, one call at a
    time."""

    def __init__(self, data: bytes, digest: Digest, name: str) -> None:
        self._package = Package(data, digest.hex)
        self._name = name
        self._wire: socket.socket | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self._end: weakref.finalize[..., Apart] | None = None

    def start(self) -> None:
        """Start the process and wait until it has loaded the model.

        Raises
        ------
        Failure
            If it cannot be loaded.
        """
        mine, its = socket.socketpair()
        with its:
            command = [sys.executable, "-m", "noria.serve.apart_worker", str(its.fileno())]
            self._process = subprocess.Popen(  # a group of its own: what ends the server is not sent to it
                command, pass_fds=[its.fileno()], stdin=subprocess.DEVNULL, process_group=0
            )
        self._end = weakref.finalize(self, _end, mine, self._process)
        mine.settimeout(START_S)
        try:
            send(mine, self._package)
            said = receive(mine, DECODE_SAID)
        except (OSError, EOFError) as error:
            self.close()
            raise Failure(f"{self._name} could not be loaded: {error}", where=self._name, do="See the log.") from error
        if isinstance(said, Wrong):
            self.close()
            raise Failure(said.what, where=said.where, do=said.do)
        mine.setblocking(False)
        self._wire = mine

    @property
    def size(self) -> int:
        """Bytes of the package."""
        return len(self._package.data)

    @property
    def pid(self) -> int | None:
        """The process's id, if one was started."""
        return None if self._process is None else self._process.pid

    async def scores(self, columns: Mapping[str, list[Any]]) -> NDArray[np.float32]:
        """The scores [rows, classes] of rows given by column; starts the process if there is none.

        Raises
        ------
        BadInput
            If the model has no answer to these rows.
        Failure
            If its code failed.
        Died
            If the process ended meanwhile; the next call starts another.
        """
        if self._wire is None:
            await asyncio.to_thread(self.start)
        try:
            async with asyncio.timeout(ANSWER_S):
                said = await self._ask(ENCODE(Batch(dict(columns))))
        except (OSError, EOFError, TimeoutError) as error:
            code = self.close()
            why = "it took too long" if isinstance(error, TimeoutError) else f"it ended with {code}"
            log.error("the process of %s is gone: %s; another takes its place", self._name, why)
            raise Died(why) from error
        except asyncio.CancelledError:
            self.close()  # in the middle of an answer: what comes next on this wire is not the next answer
            raise
        if isinstance(said, Wrong):
            raise (BadInput if said.bad_input else Failure)(said.what, where=said.where, do=said.do)
        assert isinstance(said, Scores)
        return np.frombuffer(said.data, dtype=np.float32).reshape(-1, said.width)

    def close(self) -> int | None:
        """End the process; its exit status if it had ended by itself."""
        process, self._wire, self._process = self._process, None, None
        code = None if process is None else _code(process)
        if self._end is not None:
            self._end()
        return code

    async def _ask(self, data: bytes) -> Said:
        loop, wire = asyncio.get_running_loop(), self._wire
        assert wire is not None
        await loop.sock_sendall(wire, HEAD.pack(len(data)) + data)
        (length,) = HEAD.unpack(await _exactly(loop, wire, HEAD.size))
        said: Said = DECODE_SAID(await _exactly(loop, wire, length))
        return said


def send(wire: socket.socket, message: Asked | Said) -> None:
    """Send a message, blocking."""
    data = ENCODE(message)
    wire.sendall(HEAD.pack(len(data)) + data)


def receive(wire: socket.socket, decode: Any) -> Any:
    """The next message, blocking; ``EOFError`` if the other end is closed."""
    (length,) = HEAD.unpack(_take(wire, HEAD.size))
    return decode(_take(wire, length))


def _take(wire: socket.socket, length: int) -> bytearray:
    found = bytearray()
    while len(found) < length:
        piece = wire.recv(min(1 << 20, length - len(found)))
        if not piece:
            raise EOFError("the other end is closed")
        found += piece
    return found


async def _exactly(loop: asyncio.AbstractEventLoop, wire: socket.socket, length: int) -> bytearray:
    found = bytearray()
    while len(found) < length:
        piece = await loop.sock_recv(wire, min(1 << 20, length - len(found)))
        if not piece:
            raise EOFError("the other end is closed")
        found += piece
    return found


def _code(process: subprocess.Popen[bytes]) -> int | None:
    """How a process that closed its socket ended; None if it goes on."""
    try:
        return process.wait(timeout=0.2)
    except subprocess.TimeoutExpired:
        return None


def _end(wire: socket.socket, process: subprocess.Popen[bytes]) -> None:
    """Close the socket, which ends the process, and see to it that it does."""
    wire.close()
    threading.Thread(target=_reap, args=(process,), daemon=True).start()


def _reap(process: subprocess.Popen[bytes]) -> None:
    try:
        process.wait(timeout=END_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def unavailable(name: str, why: str) -> StoreUnavailable:
    """What a caller is told whose rows no process could answer."""
    return StoreUnavailable(f"the model's process is gone: {why}", where=name, do="Ask again; see the server's log.")
