"""Between groups, by Fairlearn's definitions."""

from collections.abc import Iterator, Sequence
from itertools import combinations
from typing import Any

import numpy as np
import polars as pl
from fairlearn.metrics import MetricFrame, count, false_positive_rate, selection_rate, true_positive_rate
from numpy.typing import NDArray

from noria.analyze.slices import groups
from noria.stats.interval import difference, wilson

RATES = ("selection_rate", "true_positive_rate", "false_positive_rate")
DIFFERENCES = {  # the largest difference of these rates between two groups
    "demographic_parity_difference": ("selection_rate",),
    "equal_opportunity_difference": ("true_positive_rate",),
    "equalized_odds_difference": ("true_positive_rate", "false_positive_rate"),
}

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
        "differences": {name: _largest(found, rates) for name, rates in DIFFERENCES.items()},
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


def _largest(found: list[dict[str, Any]], rates: Sequence[str]) -> dict[str, Any]:
    """The largest difference between two judged groups, with its interval; and what small groups may hide.

    ``value`` is None if fewer than two groups are large enough. ``certain`` is the largest difference that also holds
    at the near end of its interval, small groups included; ``undecided`` names the groups that are too small.
    """
    value: float | None = None
    low = high = None
    between: list[str] = []
    certain = 0.0
    small: set[str] = set()
    for rate in rates:
        for a, b in _pairs(found, rate):
            one, two = a["rates"][rate], b["rates"][rate]
            bounds = difference(one["value"], one["rows"], two["value"], two["rows"])
            certain = max(certain, bounds[0])
            gap = two["value"] - one["value"]
            if one["judged"] and two["judged"] and (value is None or gap > value):
                value, (low, high), between = gap, bounds, [b["group"], a["group"]]
        small.update(g["group"] for g in found if not g["rates"][rate]["judged"])
    return {
        "value": value, "low": low, "high": high, "between": between, "certain": certain, "undecided": sorted(small)
    }  # fmt: skip


def _pairs(found: list[dict[str, Any]], rate: str) -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
    """Pairs of groups, the one with the lower rate first."""
    known = [g for g in found if g["rates"][rate]["value"] is not None]
    for a, b in combinations(known, 2):
        yield (a, b) if a["rates"][rate]["value"] <= b["rates"][rate]["value"] else (b, a)
