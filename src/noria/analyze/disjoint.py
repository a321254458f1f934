"""Proof that analysis rows were never learned from."""

from typing import Any

import polars as pl

from noria.data.schema import Schema
from noria.data.split import keys
from noria.data.table import RESERVED

SHOWN = 20


def proof(analysis: pl.DataFrame, learned: pl.DataFrame, schema: Schema) -> dict[str, Any]:
    """Analysis rows that share their subject, or (without subjects) their content, with rows that were learned from.

    Returns
    -------
    dict
        ``shared`` must be 0. ``same_content`` counts rows of other subjects with equal values: they are shown, not
        forbidden, because two people may be alike. ``rows_shown`` lists some of the offending ones.
    """
    taken = keys(learned, schema).unique()
    mine = keys(analysis, schema)
    shared = analysis.filter(mine.is_in(taken.implode()))
    found: dict[str, Any] = {
        "rows": analysis.height,
        "learned_rows": learned.height,
        "by": "time" if schema.split == "time" else "subject" if schema.subject else "content",
        "shared": shared.height,
        "rows_shown": names(shared.head(SHOWN)),
        "same_content": 0,
    }
    if schema.subject:
        bare = Schema(label=schema.label)
        hidden = [name for name in (schema.subject, schema.time) if name is not None]
        theirs = keys(learned.drop(hidden), bare).unique()
        found["same_content"] = int(keys(analysis.drop(hidden), bare).is_in(theirs.implode()).sum())
    return found


def names(rows: pl.DataFrame) -> list[str]:
    """What rows are called: their batch, and their place in it."""
    return [f"{batch}/{row}" for batch, row in rows.select(*RESERVED).iter_rows()]
