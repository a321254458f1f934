"""Between groups, by Fairlearn's definitions."""

from collections.abc import Sequence
from itertools import combinations
from typing import Any

import numpy as np
import polars as pl
from fairlearn.metrics import MetricFrame, count, false_positive_rate, selection_rate, true_positive_rate
from numpy.typing import NDArray

from noria.analyze.slices import groups
from noria.stats.groups import DIFFERENCES, largest
from noria.stats.interval import wilson

Flags = NDArray[np.int64]


def between_groups(
    rows: pl.DataFrame, protected: Sequence[str], truth: Flags, given: Flags, smallest: int
) -> dict[str, Any]:
    """For each protected column and each pair of them: differences between groups, and each group's rates.

    Parameters
    ----------
    truth, given
        1 where the favourable label is true, or was given.
    smallest
        A group whose rates rest on fewer rows is shown with its interval, but is not judged by its value alone.
    """
    names = [*protected, *(" & ".join(pair) for pair in combinations(protected, 2))]
    return {name: _between(groups(rows, name), truth, given, smallest) for name in names}


def _between(of: pl.Series, truth: Flags, given: Flags, smallest: int) -> dict[str, Any]:
    frame = MetricFrame(
        metrics={
            "rows": count,
            "selection_rate": selection_rate,
            "true_positive_rate": true_positive_rate,
            "false_positive_rate": false_positive_rate,
        },
        y_true=truth,
        y_pred=given,
        sensitive_features=of.to_numpy(),
    )
    members = {name: (of == name).to_numpy() for name in sorted(of.unique().to_list())}
    found = [
        _group(name, frame.by_group.loc[name], truth[mask], given[mask], smallest) for name, mask in members.items()
    ]
    return {
        "groups": found,
        "differences": {name: largest(found, name, smallest) for name in DIFFERENCES},
    }


def _group(name: str, row: Any, truth: Flags, given: Flags, smallest: int) -> dict[str, Any]:
    bases = {
        "selection_rate": np.ones(len(truth), dtype=bool),
        "true_positive_rate": truth == 1,
        "false_positive_rate": truth == 0,
    }
    rates: dict[str, Any] = {}
    for rate, base in bases.items():
        rows = int(base.sum())
        low, high = wilson(int(given[base].sum()), rows)
        value = float(row[rate]) if rows else None
        rates[rate] = {"value": value, "rows": rows, "low": low, "high": high, "judged": rows >= smallest}
    return {"group": name, "rows": int(row["rows"]), "judged": len(truth) >= smallest, "rates": rates}
