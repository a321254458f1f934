"""Between groups, by Fairlearn's definitions."""

from typing import Any

import numpy as np
import polars as pl
from fairlearn.metrics import (
    MetricFrame,
    demographic_parity_difference,
    equal_opportunity_difference,
    equalized_odds_difference,
    false_positive_rate,
    selection_rate,
    true_positive_rate,
)
from numpy.typing import NDArray

from noria.analyze.slices import group
from noria.stats.interval import wilson

DIFFERENCES = {
    "demographic_parity_difference": demographic_parity_difference,
    "equal_opportunity_difference": equal_opportunity_difference,
    "equalized_odds_difference": equalized_odds_difference,
}


def between_groups(
    rows: pl.DataFrame, protected: list[str], truth: NDArray[np.int64], given: NDArray[np.int64], smallest: int
) -> dict[str, Any]:
    """For each protected column the differences between its groups, and each group's rates with interval.

    Parameters
    ----------
    truth, given
        1 where the favourable label is true, or was given; one value a row.
    smallest
        Groups with fewer rows are shown with their interval but do not enter the differences.
    """
    return {name: _column(group(rows[name]), truth, given, smallest) for name in protected if name in rows.columns}


def _column(groups: pl.Series, truth: NDArray[np.int64], given: NDArray[np.int64], smallest: int) -> dict[str, Any]:
    counts = groups.value_counts(sort=False)
    sizes = dict(zip(counts[groups.name].to_list(), counts["count"].to_list(), strict=True))
    judged = groups.is_in([name for name, size in sizes.items() if size >= smallest]).to_numpy()
    result: dict[str, Any] = {"groups": [_group(groups, name, truth, given, sizes[name] >= smallest) for name in sorted(sizes)]}
    if len(set(groups.to_numpy()[judged])) > 1:
        features = groups.to_numpy()[judged]
        result["differences"] = {
            name: float(of(truth[judged], given[judged], sensitive_features=features)) for name, of in DIFFERENCES.items()
        }
    else:
        result["differences"] = {}
    return result


def _group(groups: pl.Series, name: str, truth: NDArray[np.int64], given: NDArray[np.int64], judged: bool) -> dict[str, Any]:
    mask = (groups == name).to_numpy()
    frame = MetricFrame(
        metrics={"selection_rate": selection_rate, "true_positive_rate": true_positive_rate,
                 "false_positive_rate": false_positive_rate},
        y_true=truth[mask], y_pred=given[mask], sensitive_features=np.zeros(int(mask.sum())),
    )  # fmt: skip
    positives = int(truth[mask].sum())
    return {
        "group": name,
        "rows": int(mask.sum()),
        "judged": judged,
        **{key: float(value) for key, value in frame.overall.items()},
        "selection_interval": list(wilson(int(given[mask].sum()), int(mask.sum()))),
        "true_positive_interval": list(wilson(int((given[mask] & truth[mask]).sum()), positives)),
    }
