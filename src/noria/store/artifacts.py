"""Immutable bytes, named by their digest."""

from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

from noria.digest import Digest
from noria.store.marks import Held


class ArtifactStore(Protocol):
    """Where artifacts live.

    - A reader sees all of an artifact or none; what it gets has the digest it asked for, or ``Damaged`` is raised.
    - Putting bytes that are already there changes nothing and returns the same digest.
    - Any number of processes may call any method at the same time.
    - Only ``delete``, ``discard`` and ``erase`` remove; removing what is gone is a no-op. ``get`` and ``path`` raise
      ``NotFound``.
    - What was erased says so when it is asked for; putting the same bytes again makes it there again.
    """

    def put(self, data: bytes) -> Digest: ...
    def put_file(self, path: Path) -> Digest: ...
    def get(self, digest: Digest) -> bytes: ...
    def path(self, digest: Digest) -> Path:
        """A local, verified, read-only file with the artifact's bytes."""
        ...

    def has(self, digest: Digest) -> bool: ...
    def delete(self, digest: Digest) -> None: ...
    def erase(self, digest: Digest, why: str) -> None:
        """Delete it and leave a mark that says so: ``why`` is the id of an erasure."""
        ...

    def all(self) -> Iterator[Digest]: ...
    def held(self) -> Iterator[Held]:
        """All artifacts, with their sizes and when each was put last."""
        ...

    def discard(self, digest: Digest, before: float) -> bool:
        """Delete it if it was put last before that time, in seconds since 1970; whether it is gone.

        Who puts the same bytes at this moment has them there: clearing away never takes what is just being used.
        """
        ...


def open_artifacts(url: str, cache: Path) -> ArtifactStore:
    """The store a setting names: ``s3://bucket/prefix`` or a folder.

    Raises
    ------
    UserError
        If the URL has a scheme that no store serves.
    """
    from noria.errors import UserError

    if url.startswith("s3://"):
        from noria.store.s3 import S3

        return S3(url, cache / "artifacts")
    if "://" in url:
        raise UserError(
            f"no artifact store for {url.partition(':')[0]}://",
            where="NORIA_ARTIFACTS",
            do="Use a folder or s3://bucket/prefix.",
        )
    from noria.store.folder import Folder

    return Folder(Path(url))
