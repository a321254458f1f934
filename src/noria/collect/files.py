"""CSV, Parquet and JSON-lines files."""

from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import polars as pl

from noria.collect import check, fields, growth, lines, marks, pieces
from noria.collect.arrive import Arrival
from noria.collect.blocks import compressed
from noria.collect.config import Files
from noria.collect.offer import Offer, Taken
from noria.data import parquet, table
from noria.digest import Digest
from noria.errors import BadInput
from noria.store import datasets

BY_SUFFIX = {".csv": "csv", ".tsv": "csv", ".parquet": "parquet", ".jsonl": "jsonl", ".ndjson": "jsonl"}

LARGE = 256 << 20  # bytes of a text file that is read piece by piece; a compressed one always is: its size is not known
PEEK = 1 << 16


def offers(world: Any, source: Files) -> list[Offer]:
    """Each file that is there now, by its content."""
    found = marks.digests(world, source.paths(world.project))
    return [
        Offer(
            Arrival("files", marks.named(path, world.project), digest, mark[0]),
            partial(_taken, path, source, digest, mark),
        )
        for path, (digest, mark) in found.items()
    ]


def _taken(path: Path, source: Files, digest: str, mark: marks.Mark, attempt: Any) -> Taken:
    if _format(path, source) == "parquet":
        _whole(path)
        return Taken(path, digest, check=lambda: marks.must_be(path, mark))
    at = f"{attempt.settings.data}/{attempt.lifecycle}"
    source = _as_held(source, table.columns(at))
    before = None if compressed(path) else growth.begun(path, marks.named(path, attempt.project), _known(attempt))
    if before is None and not compressed(path) and mark[0] <= LARGE:
        frame = read(path, source)
        marks.must_be(path, mark)
        return Taken(frame, digest)
    start = growth.end(before) if before else 0
    whole = streamed(path, source, attempt.scratch / digest, partial(table.fitting, at), start)
    marks.must_be(path, mark)
    if before is None:
        return Taken(whole, digest, own=True)
    content = Digest.of_json([digest, start]).hex  # the same file may have been written whole by one who died
    note = {"after": before.digest, "from": start, "size": mark[0]}
    return Taken(whole, content, note, bytes=mark[0] - start, own=True)


def _as_held(source: Files, held: pl.Schema) -> Files:
    """What the table holds as text is read as text: ``007`` is no number there."""
    return replace(source, text=(*source.text, *(name for name, kind in held.items() if kind == pl.String)))


def _known(attempt: Any) -> list[datasets.Batch]:
    with attempt.store.read() as c:
        return datasets.batches(c, attempt.lifecycle)


def _whole(path: Path) -> None:
    """Raise ``BadInput`` if the file is no Parquet file, or ends too early, or has no rows."""
    with check.readable(path, "parquet"):
        height = pl.scan_parquet(path).select(pl.len()).collect().item()
    if height == 0:
        raise _empty(path, "has no rows")


def read(path: Path, source: Files) -> pl.DataFrame:
    """A file's rows, in memory.

    Raises
    ------
    BadInput
        If it is empty, of an unknown format, truncated, or a row of it is broken: with the line.
    """
    kind = _format(path, source)
    with check.readable(path, kind):
        frame = READERS[kind](path, source)
    if frame.height == 0:
        raise _empty(path, "has no rows")
    return frame


def _csv(path: Path, source: Files) -> pl.DataFrame:
    _check_lengths(path, (source.separator.encode(), b"\n"))
    return fields.read(fields.opening(path, source))


def _jsonl(path: Path, source: Files) -> pl.DataFrame:
    _check_lengths(path, (b'"', b",", b"\n"))
    return lines.read(path)


def _parquet(path: Path, source: Files) -> pl.DataFrame:
    return pl.read_parquet(path)


READERS = {"csv": _csv, "jsonl": _jsonl, "parquet": _parquet}


def streamed(path: Path, source: Files, folder: Path, fits: pieces.Mend, start: int = 0) -> Path:
    """A text file's rows as a Parquet file, read piece by piece; for the same content, the same rows as of ``read``.

    Parameters
    ----------
    folder
        Where the file is made.
    fits
        Gives rows the types of the table.
    start
        Byte at which the rows begin that are wanted.
    """
    kind = _format(path, source)
    folder.mkdir()
    with check.readable(path, kind):
        if path.stat().st_size == 0:
            raise _empty(path, "is empty")
        files, mend = _pieces(path, source, folder, start)
        if not any(parquet.height(file) for file in files):
            raise _empty(path, "has no rows")
        return pieces.joined(files, lambda frame: _fitted(mend(frame), path, fits))


def _pieces(path: Path, source: Files, folder: Path, start: int) -> tuple[list[Path], pieces.Mend]:
    if _format(path, source) == "jsonl":
        return lines.kept(path, folder, start), lambda frame: frame
    file = fields.opening(path, source)
    files = fields.kept(file, folder, start)
    return files, fields.mending(file, pieces.rows(files))


def _fitted(frame: pl.DataFrame, path: Path, fits: pieces.Mend) -> pl.DataFrame:
    try:
        return fits(frame)
    except BadInput as error:  # tables know columns, not where they come from
        raise BadInput(error.what, where=str(path), do=error.do) from error


def _format(path: Path, source: Files) -> str:
    if source.format:
        return source.format
    suffixes = [s for s in path.suffixes if s not in (".gz", ".zst")]
    if not suffixes or suffixes[-1].lower() not in BY_SUFFIX:
        what = f"its extension {path.suffix!r} is unknown"
        raise check.bad(path, what, 'Say what it is: nr.Files(..., format="csv").')
    return BY_SUFFIX[suffixes[-1].lower()]


def _empty(path: Path, how: str) -> BadInput:
    return check.bad(path, f"it {how}", "Put rows into it or remove it.")


def _check_lengths(path: Path, ends: tuple[bytes, ...]) -> None:
    """Raise ``BadInput`` if a long stretch of a text file has nothing that would end a value, before it is read."""
    step = check.LONGEST // 2
    if path.stat().st_size == 0:
        raise _empty(path, "is empty")
    if compressed(path) or path.stat().st_size < 2 * step:
        return
    with path.open("rb") as file:
        for start in range(0, path.stat().st_size - step, step):
            file.seek(start)
            if not any(end in file.read(PEEK) for end in ends):
                file.seek(start)
                block = file.read(2 * step)
                if len(block) > step and not any(end in block for end in ends):
                    raise check.too_long(path.name, f"from byte {start:,} on there is one value that does not end")
