"""The bodies of requests: read whole, unpacked, and none larger or slower than is allowed."""

import asyncio
import zlib
from time import monotonic
from typing import Any

from noria.errors import BadInput
from noria.serve.limits import Limits
from noria.serve.rest.errors import Refused

SWEEP_S = 1.0


class Bodies:
    """Reads bodies. Which of them are late is looked at once a second: a timer for each costs more than reading."""

    def __init__(self, limits: Limits) -> None:
        self._most = limits.body
        self._seconds = limits.seconds
        self._waiting: dict[Any, float] = {}

    async def whole(self, proto: Any) -> bytes:
        """The body of a request that says how long it is.

        Raises
        ------
        Refused
            If it does not come in time.
        """
        coming = proto()
        self._waiting[coming] = monotonic()
        try:
            found: bytes = await coming
        except asyncio.CancelledError:
            if coming not in self._waiting:
                raise self._late() from None
            raise
        finally:
            self._waiting.pop(coming, None)
        return found

    async def read(self, scope: Any, proto: Any) -> bytes:
        """The whole body, unpacked; refused before it is read if it says that it is too large."""
        headers = scope.headers
        length = headers.get("content-length")
        if length is not None and int(length) > self._most:
            raise Refused(413, f"the body has {length} bytes; at most {self._most} are taken")
        body = await self._parts(proto) if length is None else await self.whole(proto)
        encoding = headers.get("content-encoding")
        return body if encoding is None else _unpacked(body, encoding.lower(), self._most)

    async def tend(self) -> None:
        """Refuse bodies that are late, for ever."""
        while True:
            await asyncio.sleep(SWEEP_S)
            before = monotonic() - self._seconds
            for coming in [one for one, since in self._waiting.items() if since < before]:
                del self._waiting[coming]
                coming.cancel()

    async def _parts(self, proto: Any) -> bytes:
        parts, size = [], 0
        try:
            async with asyncio.timeout(self._seconds):
                async for part in proto:
                    size += len(part)
                    if size > self._most:
                        raise Refused(413, f"the body has more than {self._most} bytes")
                    parts.append(part)
        except TimeoutError:
            raise self._late() from None
        return b"".join(parts)

    def _late(self) -> Refused:
        return Refused(408, f"the body did not come within {self._seconds:g} s")


def _unpacked(body: bytes, encoding: str, most: int) -> bytes:
    windows = {"gzip": 31, "deflate": 15, "identity": 0}
    if encoding not in windows:
        raise Refused(415, f"Content-Encoding {encoding} is not known; use gzip or deflate")
    if encoding == "identity":
        return body
    unpacker = zlib.decompressobj(windows[encoding])
    try:
        plain = unpacker.decompress(body, most + 1)
    except zlib.error as error:
        raise BadInput(f"the body is not {encoding}: {error}", where="body", do="Send what the header says.") from error
    if len(plain) > most:
        raise Refused(413, f"the body unpacks to more than {most} bytes")
    return plain
