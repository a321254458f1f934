"""Subsets that are nearly always given one label though their truth differs."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from noria.analyze.slices import masks
from noria.stats.interval import wilson

NEARLY = 0.98
TRUTH = 0.10


def dominated(
    rows: pl.DataFrame, columns: Sequence[str], y: NDArray[np.int64], given: NDArray[np.int64], smallest: int
) -> list[dict[str, Any]]:
    """Subsets where one label is given to more than 98 % of the rows, while more than 10 % surely have another."""
    found = []
    for name, value, mask in masks(rows, columns):
        count = int(mask.sum())
        if count < smallest:
            continue
        labels, counts = np.unique(given[mask], return_counts=True)
        top = int(labels[counts.argmax()])
        other = int((y[mask] != top).sum())
        share = float(counts.max() / count)
        if share > NEARLY and wilson(other, count)[0] > TRUTH:
            found.append(
                {
                    "column": name,
                    "group": value,
                    "rows": count,
                    "label": top,
                    "given": share,
                    "truth": 1 - other / count,
                }
            )
    return found
