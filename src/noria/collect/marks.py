"""Digests of files, without reading again what did not change."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from noria.digest import Digest
from noria.errors import BadInput
from noria.store import datasets, memo

LARGE = 64 << 20  # bytes of a Parquet file that is hashed in blocks; a text may grow, and its beginning is looked for
SETTLED_S = 2.0  # a younger file may change within its time stamp

PARQUET = b"PAR1"

Mark = list[int]


def digests(world: Any, paths: Iterable[Path]) -> dict[Path, tuple[str, Mark]]:
    """Digest and mark of each file; one whose size, time and inode are as before is not read again."""
    with world.store.read() as c:
        remembered = memo.recall(c, "file digest")
    found, fresh = {}, {}
    for path in paths:
        now = mark(path)
        held = remembered.get(str(path))
        if held and held["mark"] == now:
            found[path] = (held["digest"], now)
            continue
        found[path] = (_digest(world, path, now[0]).hex, now)
        if world.clock.now().timestamp() - now[1] / 1e9 > SETTLED_S:
            fresh[str(path)] = {"mark": now, "digest": found[path][0]}
    if fresh:
        with world.store.begin() as c:
            memo.remember(c, "file digest", fresh)
    return found


def _digest(world: Any, path: Path, size: int) -> Digest:
    if size < LARGE:
        return Digest.of_file(path)
    with path.open("rb") as file:
        packed = file.read(len(PARQUET)) == PARQUET
    return _by_blocks(world, path, size) if packed else Digest.of_file(path)


def _by_blocks(world: Any, path: Path, size: int) -> Digest:
    """The digest of blocks, unless the file was collected when all were known by their plain one."""
    found = Digest.of_blocks(path)
    with world.store.read() as c:
        same_size = {batch.digest for batch in datasets.batches(c, world.lifecycle) if batch.bytes == size}
    if not same_size or found.hex in same_size:
        return found
    plain = Digest.of_file(path)
    return plain if plain.hex in same_size else found


def mark(path: Path) -> Mark:
    """A file's size in bytes, time of its content in ns, and inode."""
    stat = path.stat()
    return [stat.st_size, stat.st_mtime_ns, stat.st_ino]


def must_be(path: Path, was: Mark) -> None:
    """Raise ``BadInput`` if the file is not as it was when its digest was taken."""
    try:
        now = mark(path)
    except FileNotFoundError:
        now = []
    if now != was:
        raise BadInput(
            f"{path.name} changed while it was collected",
            where=str(path),
            do="Write files elsewhere and move them in when they are whole; then run the same command again.",
        )


def named(path: Path, project: Path) -> str:
    """A file as people know it: from the project's folder if it is in there."""
    return str(path.relative_to(project) if path.is_relative_to(project) else path)
