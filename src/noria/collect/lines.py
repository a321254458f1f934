"""JSON lines: one object a line."""

import io
from pathlib import Path

import polars as pl

from noria.collect import pieces
from noria.collect.blocks import blocks


def read(path: Path) -> pl.DataFrame:
    """All rows in memory."""
    return pl.read_ndjson(path, infer_schema_length=None)


def kept(path: Path, folder: Path, start: int = 0) -> list[Path]:
    """The rows piece by piece, as files; ``start`` is the byte at which those begin that are wanted."""
    frames = (pl.read_ndjson(io.BytesIO(block), infer_schema_length=None) for block in blocks(path, start=start))
    return pieces.kept(frames, folder / "pieces")
