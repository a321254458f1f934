"""Text files that grow in place: only what was added since is new."""

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import BinaryIO

from noria.store.datasets import Batch

CHUNK = 1 << 20


def begun(path: Path, name: str, known: Sequence[Batch]) -> Batch | None:
    """The batch after which a file goes on: the file begins with all that it was then, and that ended with a line.

    Parameters
    ----------
    name
        By which batches know the file.
    known
        All batches of the dataset.
    """
    by_size = {end(one): one for one in known if one.origin == "files" and one.source["name"] == name}
    whole, found = path.stat().st_size, None
    with path.open("rb") as file:
        content = hashlib.sha256()
        for size in sorted(size for size in by_size if 0 < size < whole):
            last = _read(file, content, size - file.tell())
            if content.hexdigest() == by_size[size].digest and last == b"\n":
                found = by_size[size]
    return found


def end(batch: Batch) -> int:
    """Size of the file in bytes when that batch was collected from it."""
    return int(batch.source.get("size", batch.bytes))


def _read(file: BinaryIO, content: "hashlib._Hash", count: int) -> bytes:
    """Take so many bytes more into the digest; the last of them."""
    last = b""
    while count and (block := file.read(min(CHUNK, count))):
        content.update(block)
        count, last = count - len(block), block[-1:]
    return last
