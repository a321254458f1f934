"""Artifacts in a dictionary: for tests, and as the model the other stores are compared with."""

import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from noria.digest import Digest
from noria.errors import NotFound
from noria.store.marks import Held, was_erased


class Memory:
    def __init__(self) -> None:
        self._held: dict[Digest, bytes] = {}
        self._at: dict[Digest, float] = {}
        self._erased: dict[Digest, str] = {}
        self._files = tempfile.TemporaryDirectory(prefix="noria-memory-")

    def put(self, data: bytes) -> Digest:
        digest = Digest.of(data)
        self._held[digest] = data
        self._at[digest] = time.time()
        self._erased.pop(digest, None)
        return digest

    def put_file(self, path: Path) -> Digest:
        return self.put(path.read_bytes())

    def get(self, digest: Digest) -> bytes:
        if digest in self._erased:
            raise was_erased(digest, self._erased[digest], "memory")
        if digest not in self._held:
            raise NotFound(f"no artifact {digest}", where="memory", do="Put it first.")
        return self._held[digest]

    def path(self, digest: Digest) -> Path:
        file = Path(self._files.name) / digest.hex
        file.write_bytes(self.get(digest))
        return file

    def has(self, digest: Digest) -> bool:
        return digest in self._held

    def delete(self, digest: Digest) -> None:
        self._held.pop(digest, None)

    def erase(self, digest: Digest, why: str) -> None:
        self._erased[digest] = why
        self.delete(digest)

    def all(self) -> Iterator[Digest]:
        yield from sorted(self._held)

    def held(self) -> Iterator[Held]:
        yield from (Held(digest, len(data), self._at[digest]) for digest, data in sorted(self._held.items()))

    def discard(self, digest: Digest, before: float) -> bool:
        if digest in self._held and self._at[digest] < before:
            self.delete(digest)
        return digest not in self._held
