"""Train, validation, analysis, so that nobody ever moves from one to another.

By default the split of a row is decided by BLAKE2b of its subject (or of its content), so it is the same in every
version, process and machine, and a person seen in training never appears in the analysis set of a later version.

With ``Schema(split="time")`` it is decided by its time. Each stretch of time is cut once, when a version first has rows
of it: the oldest part is for training, the next for validation, the newest for analysis. The cuts are on record with
the version, and a later version only adds cuts for the time after them; a row that arrives late falls where its time
was cut before. So no row moves, and of each stretch the newest part is never learned from.
"""

from collections.abc import Sequence
from hashlib import blake2b

import numpy as np
import polars as pl
from numpy.typing import NDArray

from noria.data.schema import SPLITS, Schema
from noria.data.table import BOOKKEEPING
from noria.errors import BadInput

SALT = b"noria split 1"
BYTES = 4  # of a digest that decide
SCALE = 1 << 8 * BYTES

Shares = tuple[float, float, float]
Cut = tuple[float, str]  # rows until this moment, and after the cut before it, are of this split
Cuts = Sequence[Cut]


def point(key: str) -> float:
    """Where a key falls in [0, 1)."""
    return float(_points([key.encode()])[0])


def split_of(key: str, shares: Shares) -> str:
    """The split of a subject's key."""
    return SPLITS[int(_split(_points([key.encode()]), shares)[0])]


def _points(keys: Sequence[bytes]) -> NDArray[np.float64]:
    salted = blake2b(digest_size=BYTES, key=SALT)
    return np.frombuffer(b"".join([_hashed(salted.copy(), key) for key in keys]), f">u{BYTES}") / SCALE


def _hashed(hasher: blake2b, key: bytes) -> bytes:
    hasher.update(key)
    return hasher.digest()


def _split(points: NDArray[np.float64], shares: Shares) -> NDArray[np.uint8]:
    """Which of the splits each point is in."""
    return (points >= shares[0]).astype(np.uint8) + (points >= shares[0] + shares[1])


def keys(frame: pl.DataFrame, schema: Schema) -> pl.Series:
    """The key of each row, text: its time if that decides, else its subject, or else its content.

    The content is the values that are there, by column, without label and bookkeeping. A value that is missing is left
    out, so that a column which arrives later moves none of the rows from before.
    """
    first = [schema.time if schema.split == "time" else None, schema.subject]
    named = pl.coalesce(*(pl.col(name).cast(pl.String) for name in first if name is not None), pl.lit(None, pl.String))
    key = frame.select(named.alias("key")).to_series()
    if not key.null_count() and len(key) == frame.height:
        return key
    return frame.select(pl.coalesce(named, _content(frame, schema)).alias("key")).to_series()


def _content(frame: pl.DataFrame, schema: Schema) -> pl.Expr:
    columns = sorted(set(frame.columns) - set(BOOKKEEPING) - {schema.label})
    values = [pl.concat_str(pl.lit(f"{name}\x1e"), pl.col(name).cast(pl.String)) for name in columns]
    return pl.concat_str(values, separator="\x1f", ignore_nulls=True)


def assign(frame: pl.DataFrame, schema: Schema, cuts: Cuts | None = None) -> pl.Series:
    """The split of each row: a series of ``train``, ``validation``, ``analysis``.

    Parameters
    ----------
    cuts
        Where time is cut, if that decides; None: as if these were the first rows there are.
    """
    if schema.split == "time":
        return _by_time(frame, schema, cuts)
    key = keys(frame, schema)
    unique = key.unique()
    if len(unique) == len(key):
        return _named(key, schema.shares).alias("split")
    return key.replace_strict(unique, _named(unique, schema.shares), return_dtype=pl.String).alias("split")


def _named(keys: pl.Series, shares: Shares) -> pl.Series:
    return pl.Series(SPLITS).gather(_split(_points(keys.cast(pl.Binary).to_list()), shares))


def _by_time(frame: pl.DataFrame, schema: Schema, cuts: Cuts | None) -> pl.Series:
    when = moments(frame, schema)
    found = extended((), when, schema.shares) if cuts is None else cuts
    ends, names = [end for end, _ in found], [*(name for _, name in found), SPLITS[-1]]
    split = pl.Series(names).gather(np.searchsorted(ends, when.fill_null(0).to_numpy())).alias("split")
    if not when.null_count():
        return split
    elsewhere = schema.without_time()  # a row that says no time is placed by who or what it is
    timeless = assign(frame.filter(when.is_null()), elsewhere)
    return split.scatter(when.is_null().arg_true(), timeless)


def moments(frame: pl.DataFrame, schema: Schema) -> pl.Series:
    """The time of each row as a number: of dates and times microseconds since 1970, of numbers themselves.

    Raises
    ------
    BadInput
        If the column is missing, or holds neither times nor numbers.
    """
    name = str(schema.time)
    kind = frame.schema.get(name)
    if kind in (pl.Date, pl.Datetime):
        return frame[name].cast(pl.Datetime("us")).to_physical().cast(pl.Float64)
    if kind is not None and kind.is_numeric():
        return frame[name].cast(pl.Float64).fill_nan(None)
    raise BadInput(
        f"column {name} is {'missing' if kind is None else kind}, and the split goes by it",
        where="Schema(split='time')",
        do="Give it dates, times or numbers, or let the split go by subject.",
    )


def extended(cuts: Cuts, when: pl.Series, shares: Shares) -> list[Cut]:
    """The cuts there are, and those of the time after them: rows by ``shares``, the newest for analysis.

    A stretch of fewer than three different moments is not cut: it is of one split, that of its end's key.
    """
    later = when.filter(when > cuts[-1][0]) if cuts else when
    moments = later.drop_nulls().unique().sort()
    if moments.is_empty():
        return list(cuts)
    if len(moments) < len(SPLITS):
        return [*cuts, (moments[-1], split_of(repr(moments[-1]), shares))]
    rows = later.drop_nulls().sort()
    first = _index(moments, rows[int(len(rows) * shares[0])], least=1, most=len(moments) - 2)
    second = _index(moments, rows[int(len(rows) * (shares[0] + shares[1]))], least=first + 1, most=len(moments) - 1)
    ends = (moments[first - 1], moments[second - 1], moments[-1])
    return [*cuts, *zip(ends, SPLITS, strict=True)]


def _index(moments: pl.Series, at: float, *, least: int, most: int) -> int:
    return max(least, min(most, int(moments.search_sorted(at))))
