"""Whether train, validation and analysis split are alike."""

from collections.abc import Iterator, Mapping
from itertools import combinations

import polars as pl

from noria.data import split
from noria.data.lists import one_label_a_row
from noria.data.profile import profile
from noria.data.schema import Schema
from noria.stats.shift import SURE
from noria.validate.config import Validate
from noria.validate.drift import drift
from noria.validate.report import Anomaly
from noria.validate.shift import label_shift

PIECE = 1 << 17  # rows looked at together

Counts = Mapping[str, Mapping[str, int]]


def labels(rows: pl.LazyFrame, schema: Schema, cuts: split.Cuts | None = None) -> dict[str, dict[str, int]]:
    """Rows of each label by split, in one pass; empty in a regression."""
    found: dict[str, dict[str, int]] = {}
    if schema.task == "regression":
        return found
    wanted = [name for name in (schema.label, schema.subject, schema.time) if name]
    # Without a subject the content decides, and so it does where the subject is missing.
    keyed = schema.subject is not None and not rows.select(pl.col(schema.subject).is_null().any()).collect().item()
    for piece in (rows.select(wanted) if keyed else rows).collect_batches(chunk_size=PIECE):
        assigned = one_label_a_row(piece.with_columns(split.assign(piece, schema, cuts).alias("split")), schema)
        counted = assigned.group_by("split", schema.label).len()
        for name, label, count in counted.sort("split", schema.label).iter_rows():
            if label is not None:
                side = found.setdefault(name, {})
                side[str(label)] = side.get(str(label), 0) + count
    return found


def label_skew(counts: Counts, config: Validate) -> Iterator[Anomaly]:
    """Label shares that differ between splits by more than the bound and chance."""
    for a, b in combinations(sorted(counts), 2):
        yield from label_shift(
            counts[a], counts[b], bound=config.skew, between=f"between {a} and {b} split", rule="label_skew", z=SURE
        )


def feature_skew(
    rows: pl.DataFrame, schema: Schema, config: Validate, cuts: split.Cuts | None = None
) -> Iterator[Anomaly]:
    """Columns distributed otherwise in validation or analysis than in training, over some of the rows.

    Parameters
    ----------
    cuts
        Where time is cut, if splits go by it; None: as if these rows were the first.
    """
    assigned = split.assign(rows, schema, cuts)
    sides = {name: profile(rows.filter(assigned == name), schema) for name in sorted(assigned.unique().to_list())}
    if "train" in sides:
        for name in sorted(sides.keys() - {"train"}):
            yield from drift(
                sides["train"], sides[name], schema, config, f" between train and {name} split", "split_skew"
            )
