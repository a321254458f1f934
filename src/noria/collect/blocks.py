"""A text file, compressed or not, in blocks of bytes that end where a record ends."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from noria.collect import check

COMPRESSED = {".gz": "gzip", ".zst": "zstd"}
SIZE = 16 << 20  # bytes of a block; a record that is longer makes it grow, up to what a value may be long


def compressed(path: Path) -> bool:
    """True if what is in the file is not what is on the disk."""
    return path.suffix in COMPRESSED


def opened(path: Path) -> Any:
    """The file's content, to be read as bytes from its beginning on, in bounded memory."""
    import pyarrow as pa  # takes as long as a small file to collect

    return pa.input_stream(str(path), compression=COMPRESSED.get(path.suffix))


def blocks(path: Path, *, start: int = 0, quoted: bool = False) -> Iterator[bytes]:
    """The content from a byte on, whole records at a time.

    Parameters
    ----------
    start
        Where to begin, in a file that is not compressed.
    quoted
        True if a line end between double quotes ends no record.

    Raises
    ------
    BadInput
        If one record is longer than a value may be.
    """
    with path.open("rb") if start else opened(path) as file:
        if start:
            file.seek(start)
        rest = b""
        while more := file.read(SIZE):
            block = rest + more
            end = _end(block, quoted=quoted)
            if not end and len(block) > 2 * check.LONGEST:
                raise check.too_long(path.name, f"there is a record of more than {len(block) / 1e6:,.0f} MB")
            if end:
                yield block[:end]
            rest = block[end:]
        if rest:
            yield rest


def _end(block: bytes, *, quoted: bool) -> int:
    """Where the last whole record ends; 0 if none does."""
    end = block.rfind(b"\n")
    if not quoted:
        return end + 1
    quotes = block.count(b'"', 0, max(end, 0))
    while end >= 0 and quotes % 2:
        before = block.rfind(b"\n", 0, end)
        quotes -= block.count(b'"', max(before, 0), end)
        end = before
    return end + 1
