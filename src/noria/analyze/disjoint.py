"""Proof that analysis rows were never learned from."""

from typing import Any

import polars as pl

from noria.data.schema import Schema
from noria.data.split import keys


def proof(analysis: pl.DataFrame, learned: pl.DataFrame, schema: Schema) -> dict[str, Any]:
    """How many analysis rows share their subject or their content with rows that were learned from.

    Content equality is counted and shown, not forbidden: two people may have the same values.
    """
    by = [schema.subject] if schema.subject else None
    found: dict[str, Any] = {"rows": analysis.height, "learned_rows": learned.height}
    found["by"] = "subject" if by else "content"
    shared = analysis.filter(keys(analysis, schema).is_in(keys(learned, schema).implode()))
    found["shared"] = shared.height
    found["examples"] = [str(row[0]) for row in shared.select(by or shared.columns[:1]).head(5).iter_rows()]
    if schema.subject:
        without = Schema(label=schema.label)
        same = keys(analysis.drop(schema.subject), without).is_in(keys(learned.drop(schema.subject), without).implode())
        found["same_content"] = int(same.sum())
    return found
