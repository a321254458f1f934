"""Everything that is looked for in new rows."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

import polars as pl

from noria.data.profile import Profile
from noria.data.schema import Schema
from noria.data.split import Cuts
from noria.validate import anomalies, splits
from noria.validate.config import Validate
from noria.validate.drift import drift
from noria.validate.expected import Columns, infer
from noria.validate.grain import coarser
from noria.validate.leakage import leaks
from noria.validate.repeats import repeats, twice
from noria.validate.report import Anomaly, graded
from noria.validate.shift import label_shift
from noria.validate.times import times

SOME = 20_000  # rows that are looked at one by one


@dataclass(frozen=True, slots=True)
class Fresh:
    """New rows: their profile, when they arrived (UTC), the rows themselves (None: no rows at hand), and where time is
    cut into splits (None: as if these rows were the first)."""

    profile: Profile
    arrived: datetime
    rows: pl.LazyFrame | pl.DataFrame | None = None
    cuts: Cuts | None = None


def findings(
    fresh: Fresh,
    before: Profile | None,
    schema: Schema,
    config: Validate,
    *,
    must: Columns | None = None,
    labels: Mapping[str, int] | None = None,
) -> list[Anomaly]:
    """What is wrong with new rows, by themselves and against those from before, as grave as is declared.

    The cost is that of the new rows: of those from before only the profile is needed.

    Parameters
    ----------
    before
        Profile of the rows from before; None: these are the first.
    must
        What new rows must be like; None: what ``before`` implies.
    labels
        Rows of each label that theirs are held against; None: those of ``before``.
    """
    found = [*_alone(fresh, before, schema, config)]
    if must is None and before is not None:
        must = infer(before, config.missing)
    if must is not None:
        found += anomalies.against_schema(must, fresh.profile)
        found += twice(must, before, fresh.profile, fresh.rows)
    if before is not None:
        found += drift(before, fresh.profile, schema, config)
        found += coarser(before, fresh.profile, schema)
        if schema.task != "regression":
            held = before.labels if labels is None else labels
            now = fresh.profile.labels
            found += label_shift(held, now, bound=config.label_shift, between="in the new data", column=schema.label)
    columns = {name: one.severity for name, one in (must or {}).items()}
    return list(graded(found, config.words(), columns))


def _alone(fresh: Fresh, before: Profile | None, schema: Schema, config: Validate) -> Iterator[Anomaly]:
    """What nothing declared is needed for."""
    new = fresh.profile
    yield from anomalies.constant(before.merge(new) if before else new, schema)
    yield from repeats(before, new, schema)
    yield from times(before, new, schema, fresh.arrived)
    if fresh.rows is not None:
        some = _some(fresh.rows, new.rows, schema)
        yield from leaks(some, schema)
        yield from splits.feature_skew(some, schema, config, fresh.cuts)


def _some(rows: pl.LazyFrame | pl.DataFrame, count: int, schema: Schema) -> pl.DataFrame:
    """The first rows; where splits go by time, and rows may come in its order, as many from all over them."""
    spread = -(-count // SOME) if schema.split == "time" else 1
    return (rows.gather_every(spread) if spread > 1 else rows.head(SOME)).lazy().collect()
