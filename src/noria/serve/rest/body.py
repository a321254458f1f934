"""The bodies of requests: read whole, unpacked, and none larger than is allowed."""

import zlib
from typing import Any

from noria.errors import BadInput
from noria.serve.protocol import MOST_BYTES
from noria.serve.rest.errors import Refused


async def read(scope: Any, proto: Any) -> bytes:
    """The whole body of a POST, unpacked; refused before it is read if it says that it is too large."""
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
