"""Everything that is looked for in new rows."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import polars as pl

from noria.data.profile import Profile
from noria.data.schema import Schema
from noria.validate import anomalies, splits
from noria.validate.config import Validate
from noria.validate.drift import drift
from noria.validate.leakage import leaks
from noria.validate.repeats import repeats
from noria.validate.report import Anomaly
from noria.validate.shift import label_shift
from noria.validate.times import times


@dataclass(frozen=True, slots=True)
class Fresh:
    """New rows: their profile, when they arrived (UTC), and some of the rows themselves (None: no rows at hand)."""

    profile: Profile
    arrived: datetime
    rows: pl.DataFrame | None = None


def findings(
    fresh: Fresh,
    before: Profile | None,
    schema: Schema,
    config: Validate,
    *,
    expected: Mapping[str, Any] | None = None,
    shifted: str = "block",
) -> list[Anomaly]:
    """What is wrong with new rows, by themselves and against those from before.

    The cost is that of the new rows: of those from before only the profile is needed.

    Parameters
    ----------
    before
        Profile of the rows from before; None: these are the first.
    expected
        The stored schema that new rows must fit; None: what ``before`` implies.
    shifted
        How grave a shift of the label's shares is: ``block`` or ``warn``.
    """
    new = fresh.profile
    found = [*anomalies.constant(before.merge(new) if before else new, schema)]
    found += repeats(before, new, schema)
    found += times(before, new, schema, fresh.arrived)
    if fresh.rows is not None:
        found += leaks(fresh.rows, schema)
        found += splits.feature_skew(fresh.rows, schema, config)
    if before is not None:
        found += anomalies.against_schema(expected or anomalies.infer(before), new, config)
        found += drift(before, new, schema, config)
        if schema.task != "regression":
            found += label_shift(
                before.labels, new.labels, bound=config.label_shift, severity=shifted, between="in the new data"
            )
    return found
