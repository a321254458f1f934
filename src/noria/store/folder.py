"""Artifacts in a local folder, one file each, in sub-folders by the digest's first two digits."""

import hashlib
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from noria import owner
from noria.digest import Digest
from noria.errors import Damaged, NotFound, StoreUnavailable, UserError
from noria.store.marks import ERASED, Held, was_erased

CHUNK = 1 << 20


class Folder:
    """Implements ``ArtifactStore``. A file appears under its name only when all its bytes are on disk."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._verified: set[Digest] = set()  # once per process is enough: files are read-only and never rewritten
        self._cleared = False  # of what killed processes left
        try:
            root.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise UserError(
                f"the folder cannot be written: {error.strerror}",
                where=str(root),
                do="Set NORIA_HOME or NORIA_ARTIFACTS to a folder that you may write.",
            ) from error

    def put(self, data: bytes) -> Digest:
        digest = Digest.of(data)
        if not self._used(digest):
            with self._new() as file:
                file.write(data)
                self._keep(file, digest)
        return digest

    def put_file(self, path: Path) -> Digest:
        sha = hashlib.sha256()
        with path.open("rb") as source, self._new() as file:
            while chunk := source.read(CHUNK):
                sha.update(chunk)
                file.write(chunk)
            digest = Digest(sha.hexdigest())
            self._keep(file, digest)
        return digest

    def get(self, digest: Digest) -> bytes:
        try:
            data = self._file(digest).read_bytes()
        except FileNotFoundError:
            raise self._missing(digest) from None
        if Digest.of(data) != digest:
            raise self._damaged(digest)
        return data

    def path(self, digest: Digest) -> Path:
        file = self._file(digest)
        if digest not in self._verified:
            if not file.exists():
                raise self._missing(digest)
            if Digest.of_file(file) != digest:
                raise self._damaged(digest)
            self._verified.add(digest)
        return file

    def has(self, digest: Digest) -> bool:
        return self._file(digest).exists()

    def delete(self, digest: Digest) -> None:
        self._verified.discard(digest)
        self._file(digest).unlink(missing_ok=True)

    def erase(self, digest: Digest, why: str) -> None:
        self._mark(digest).parent.mkdir(exist_ok=True)
        self._mark(digest).write_text(why)
        self.delete(digest)

    def all(self) -> Iterator[Digest]:
        for folder in sorted(self.root.iterdir()):
            if len(folder.name) == 2:
                yield from (Digest(folder.name + file.name) for file in sorted(folder.iterdir()))

    def held(self) -> Iterator[Held]:
        for digest in self.all():
            try:
                found = self._file(digest).stat()
            except FileNotFoundError:  # it went meanwhile
                continue
            yield Held(digest, found.st_size, found.st_mtime)

    def discard(self, digest: Digest, before: float) -> bool:
        file, aside = self._file(digest), self.root / "tmp" / f"{owner.prefix()}{digest.hex}.gone"
        aside.parent.mkdir(exist_ok=True)
        try:
            if file.stat().st_mtime >= before:
                return False
            file.rename(aside)  # who puts the same bytes from now on does not find it, and writes it
        except FileNotFoundError:
            return True
        if aside.stat().st_mtime >= before:  # somebody put the same bytes between the two
            aside.rename(file)
            return False
        self._verified.discard(digest)
        aside.unlink()
        return True

    def _used(self, digest: Digest) -> bool:
        """Whether it is there; if so, it counts as put now."""
        try:
            os.utime(self._file(digest))
        except FileNotFoundError:
            return False
        return True

    def _file(self, digest: Digest) -> Path:
        return self.root / digest.hex[:2] / digest.hex[2:]

    def _mark(self, digest: Digest) -> Path:
        return self.root / ERASED / digest.hex

    @contextmanager
    def _new(self) -> Iterator[BinaryIO]:
        """A temporary file beside the artifacts, gone afterwards unless it was kept."""
        folder = self.root / "tmp"
        try:
            if not self._cleared:
                folder.mkdir(exist_ok=True)
                for left in owner.leftovers(folder):
                    left.unlink(missing_ok=True)
                self._cleared = True
            with tempfile.NamedTemporaryFile(prefix=owner.prefix(), dir=folder, delete=False) as file:
                try:
                    yield file  # type: ignore[misc]
                finally:
                    Path(file.name).unlink(missing_ok=True)
        except OSError as error:
            raise StoreUnavailable(
                f"an artifact cannot be written: {error.strerror or error}",
                where=str(self.root),
                do="Free space or see to the folder's permissions, then run the same command again; nothing is lost.",
            ) from error

    def _keep(self, file: BinaryIO, digest: Digest) -> None:
        file.flush()
        os.fsync(file.fileno())
        os.chmod(file.name, 0o444)
        target = self._file(digest)
        target.parent.mkdir(exist_ok=True)
        os.replace(file.name, target)
        self._mark(digest).unlink(missing_ok=True)

    def _missing(self, digest: Digest) -> NotFound:
        if self._mark(digest).exists():
            return was_erased(digest, self._mark(digest).read_text(), str(self.root))
        return NotFound(f"no artifact {digest}", where=str(self.root), do="Run the step that makes it again.")

    def _damaged(self, digest: Digest) -> Damaged:
        return Damaged(
            f"artifact {digest} was altered on disk",
            where=str(self._file(digest)),
            do="Delete that file and run the step that makes it again with --force.",
        )
