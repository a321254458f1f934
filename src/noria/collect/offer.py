"""What a source offers, and what is taken of it: the terms between the sources and the step."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import polars as pl

from noria.collect.arrive import Arrival
from noria.data import parquet


def nothing_to_check() -> None:
    """What was taken cannot change any more."""


@dataclass(frozen=True, slots=True)
class Taken:
    """The rows of an arrival.

    rows
        A frame, or a Parquet file that holds them.
    content
        Digest of what was read; the batch's id is made of it, so that rows which were written before a process died
        are found again if, and only if, they are the same.
    note
        What the next collect has to know of this one, as plain data: kept with the batch's source record.
    check
        Raises ``BadInput`` if the file has changed since it was offered.
    bytes
        Size of the rows, where only reading them told it.
    own
        True if the file was made for this, in the scratch folder: it may be moved.
    """

    rows: pl.DataFrame | Path
    content: str
    note: Mapping[str, Any] = field(default_factory=dict)
    check: Callable[[], None] = nothing_to_check
    bytes: int | None = None
    own: bool = False

    @property
    def schema(self) -> pl.Schema:
        return self.rows.schema if isinstance(self.rows, pl.DataFrame) else parquet.schema(self.rows)


@dataclass(frozen=True, slots=True)
class Offer:
    """An arrival and what takes it: a function of the attempt's scratch folder; None for one that was taken before."""

    arrival: Arrival
    take: Callable[[Any], Taken] | None
