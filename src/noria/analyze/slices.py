"""Metrics per subset."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from noria.stats.interval import wilson
from noria.stats.metrics import all_of

MOST = 50  # values of one column that get a row each
BINS = 4  # quartiles of a numeric column


def masks(rows: pl.DataFrame, columns: list[str]) -> Iterator[tuple[str, str, NDArray[np.bool_]]]:
    """Column, group and row mask of each subset; numbers are cut at their quartiles."""
    for name in columns:
        if name in rows.columns:
            groups = group(rows[name])
            for value in groups.unique().sort().head(MOST):
                yield name, str(value), (groups == value).to_numpy()


def group(series: pl.Series) -> pl.Series:
    """The group of each row, text."""
    if series.dtype.is_numeric() and series.n_unique() > 2 * BINS:
        edges = sorted({float(series.quantile(q / BINS)) for q in range(1, BINS)})  # type: ignore[arg-type]
        return series.cut(edges).cast(pl.String).fill_null("missing")
    return series.cast(pl.String).fill_null("missing")


def table(
    rows: pl.DataFrame, columns: list[str], y: NDArray[Any], answer: NDArray[Any], task: str, smallest: int
) -> list[dict[str, Any]]:
    """One entry a subset: column, group, rows, whether it is large enough to be judged, metrics, accuracy interval."""
    found = []
    for name, value, mask in masks(rows, columns):
        entry: dict[str, Any] = {"column": name, "group": value, "rows": int(mask.sum())}
        entry["judged"] = entry["rows"] >= smallest
        entry["metrics"] = all_of(task, y[mask], answer[mask])
        if task == "classification":
            right = int((answer[mask].argmax(axis=1) == y[mask]).sum())
            entry["accuracy_interval"] = list(wilson(right, entry["rows"]))
        found.append(entry)
    return found
