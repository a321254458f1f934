"""The name of some bytes: their SHA-256; of a large Parquet file that is collected, one made of its blocks'."""

import hashlib
import json
import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

BLOCK, CHUNK = 16 << 20, 1 << 20
HANDS = 2
ENCODE = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode


@dataclass(frozen=True, slots=True, order=True)
class Digest:
    """SHA-256 in lower-case hexadecimal; ``str()`` gives the first twelve digits, enough for people."""

    hex: str

    @classmethod
    def of(cls, data: bytes) -> "Digest":
        return cls(hashlib.sha256(data).hexdigest())

    @classmethod
    def of_file(cls, path: Path) -> "Digest":
        """Digest of a file's bytes, read in chunks of 1 MiB."""
        with path.open("rb") as file:
            return cls(hashlib.file_digest(file, "sha256").hexdigest())

    @classmethod
    def of_blocks(cls, path: Path) -> "Digest":
        """Another name of a file's bytes, for files so large that one processor takes long over them: the SHA-256 of
        the SHA-256 of each 16 MiB of it, one after the other, behind ``noria blocks 1``."""
        with path.open("rb") as file, ThreadPoolExecutor(HANDS) as hands:
            handle = file.fileno()
            starts = range(0, os.fstat(handle).st_size, BLOCK)
            blocks = hands.map(lambda start: _block(handle, start), starts)
            return cls.of(b"".join([b"noria blocks 1", *blocks]))

    @classmethod
    def of_json(cls, value: object) -> "Digest":
        """Digest of plain data: the same for equal values, whatever the order of keys."""
        return cls.of(canonical(value))

    def __str__(self) -> str:
        return self.hex[:12]


def _block(handle: int, start: int) -> bytes:
    found, chunk = hashlib.sha256(), memoryview(bytearray(CHUNK))
    for at in range(start, start + BLOCK, CHUNK):
        found.update(chunk[: os.preadv(handle, [chunk], at)])
    return found.digest()


def canonical(value: object) -> bytes:
    """Plain data as one fixed spelling of JSON: sorted keys, no spaces, UTF-8.

    Raises
    ------
    TypeError
        If the value is not plain data.
    """
    return ENCODE(value).encode()
