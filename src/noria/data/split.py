"""Train, validation, analysis, by a stable hash: nobody ever moves from one to another.

The split of a row is decided by BLAKE2b of its subject (or of its content), so it is the same in every version, process
and machine, and a person seen in training never appears in the analysis set of a later version.
"""

from hashlib import blake2b

import polars as pl

from noria.data.schema import SPLITS, Schema
from noria.data.table import RESERVED

SALT = b"noria split 1"
SCALE = 1 << 32


def point(key: str) -> float:
    """Where a key falls in [0, 1)."""
    return int.from_bytes(blake2b(key.encode(), digest_size=4, key=SALT).digest(), "big") / SCALE


def split_of(key: str, shares: tuple[float, float, float]) -> str:
    """The split of a subject's key."""
    place = point(key)
    if place < shares[0]:
        return SPLITS[0]
    return SPLITS[1] if place < shares[0] + shares[1] else SPLITS[2]


def keys(frame: pl.DataFrame, schema: Schema) -> pl.Series:
    """The key of each row, text: its subject, or else its content without label and bookkeeping.

    Rows without a subject are keyed by their content: the values that are there, by column. A value that is missing is
    left out, so that a column which arrives later moves none of the rows from before.
    """
    columns = sorted(set(frame.columns) - set(RESERVED) - {schema.label})
    values = [pl.concat_str(pl.lit(f"{c}\x1e"), pl.col(c).cast(pl.String)) for c in columns]
    content = pl.concat_str(values, separator="\x1f", ignore_nulls=True)
    if schema.subject is None:
        return frame.select(content.alias("key")).to_series()
    subject = pl.col(schema.subject).cast(pl.String)
    return frame.select(pl.coalesce(subject, content).alias("key")).to_series()


def assign(frame: pl.DataFrame, schema: Schema) -> pl.Series:
    """The split of each row: a series of ``train``, ``validation``, ``analysis``."""
    key = keys(frame, schema)
    unique = key.unique()
    splits = pl.Series([split_of(one, schema.shares) for one in unique], dtype=pl.String)
    return key.replace_strict(unique, splits, return_dtype=pl.String).alias("split")
