"""An artifact store that reads what is recorded and keeps what is new apart: to try something without a trace."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from noria.digest import Digest
from noria.store.artifacts import ArtifactStore
from noria.store.marks import Held


@dataclass(frozen=True, slots=True)
class Beside:
    """Implements ``ArtifactStore``: ``kept`` is only read, ``own`` takes what is put."""

    kept: ArtifactStore
    own: ArtifactStore

    def put(self, data: bytes) -> Digest:
        return self.own.put(data)

    def put_file(self, path: Path) -> Digest:
        return self.own.put_file(path)

    def get(self, digest: Digest) -> bytes:
        return self._with(digest).get(digest)

    def path(self, digest: Digest) -> Path:
        return self._with(digest).path(digest)

    def has(self, digest: Digest) -> bool:
        return self.own.has(digest) or self.kept.has(digest)

    def delete(self, digest: Digest) -> None:
        self.own.delete(digest)

    def erase(self, digest: Digest, why: str) -> None:
        self.own.erase(digest, why)

    def all(self) -> Iterator[Digest]:
        yield from sorted({*self.own.all(), *self.kept.all()})

    def held(self) -> Iterator[Held]:
        yield from self.own.held()

    def discard(self, digest: Digest, before: float) -> bool:
        return self.own.discard(digest, before)

    def _with(self, digest: Digest) -> ArtifactStore:
        return self.own if self.own.has(digest) else self.kept
