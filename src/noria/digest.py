"""The name of some bytes: their SHA-256."""

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path

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
    def of_json(cls, value: object) -> "Digest":
        """Digest of plain data: the same for equal values, whatever the order of keys."""
        return cls.of(canonical(value))

    def __str__(self) -> str:
        return self.hex[:12]


def canonical(value: object) -> bytes:
    """Plain data as one fixed spelling of JSON: sorted keys, no spaces, UTF-8.

    Raises
    ------
    TypeError
        If the value is not plain data.
    """
    return ENCODE(value).encode()
