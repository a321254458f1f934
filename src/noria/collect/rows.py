"""Rows that the user's function gives."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import polars as pl

from noria.collect.arrive import Arrival
from noria.collect.config import Rows
from noria.collect.offer import Offer, Taken
from noria.data.fitting import settled
from noria.digest import Digest
from noria.errors import UserCodeFailed


def offers(world: Any, source: Rows) -> list[Offer]:
    """What the function gives now, as one arrival."""
    name = getattr(source.give, "__name__", "rows")
    with _told(name):
        given = source.give()
        frame = given if isinstance(given, pl.DataFrame) else pl.DataFrame(given, infer_schema_length=None)
    settled(frame.clear())  # what no table holds, no text holds either
    with _told(name):
        content = frame.select(sorted(frame.columns)).write_ndjson().encode() + repr(sorted(frame.columns)).encode()
    if not frame.height:
        return []
    digest = Digest.of(content).hex
    return [Offer(Arrival("rows", name, digest, len(content)), lambda attempt: Taken(frame, digest))]


@contextmanager
def _told(name: str) -> Iterator[None]:
    try:
        yield
    except Exception as error:
        raise UserCodeFailed(
            f"{name} did not give rows: {type(error).__name__}: {(str(error).splitlines() or [''])[0][:200]}",
            where="collect",
            do="Return mappings from column to value, or a frame.",
        ) from error
