"""Ids of predictions: ordered by time, made anywhere without asking, and telling which endpoint gave them.

A UUID of version 7 (RFC 9562) whose last 32 bits are a checksum of the others and the endpoint's name. A server
therefore knows, without looking anything up, that feedback names a prediction that some replica really gave, and of
which endpoint. It is no secret: it guards against mistakes, not against forgers.
"""

import os
import re
import time
from collections.abc import Iterable
from hashlib import blake2b

TEXT = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}(\.(0|[1-9][0-9]{0,6}))?")


class Ids:
    """Gives ids; two processes never give the same (62 − 32 random bits each millisecond and 12 counted ones)."""

    def __init__(self) -> None:
        self._counter = int.from_bytes(os.urandom(4), "big")
        self._process = int.from_bytes(os.urandom(4), "big")

    def new(self, endpoint: str) -> str:
        """A fresh id, later than all before it in this process, to the millisecond."""
        self._counter = counter = (self._counter + 1) & 0xFFFFFFFF
        at = time.time_ns() // 1_000_000
        mixed = (self._process ^ (counter >> 12)) & 0x3FFFFFFF
        head = f"{at & 0xFFFFFFFFFFFF:012x}7{counter & 0xFFF:03x}{0x80000000 | mixed:08x}"
        return f"{head[:8]}-{head[8:12]}-{head[12:16]}-{head[16:20]}-{head[20:]}{_sum(head, endpoint)}"


def of_row(id: str, row: int, rows: int) -> str:
    """The id of one row of a request: the request's id, with the row's number if there are several."""
    return id if rows == 1 else f"{id}.{row}"


def endpoint_of(id: str, endpoints: Iterable[str]) -> str | None:
    """Which of these endpoints gave the id; None if none did."""
    if not TEXT.fullmatch(id):
        return None
    digits = id.partition(".")[0].replace("-", "")
    return next((one for one in endpoints if _sum(digits[:24], one) == digits[24:]), None)


def _sum(head: str, endpoint: str) -> str:
    return blake2b(f"{head}{endpoint}".encode(), digest_size=4).hexdigest()
