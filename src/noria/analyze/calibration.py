"""Whether a probability of 0.7 comes true seven times in ten, and whether a predicted number is right on average."""

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from noria.stats.interval import mean, wilson

BINS = 10

Floats = NDArray[np.float64]


def calibration(task: str, y: NDArray[Any], scores: NDArray[Any]) -> dict[str, Any]:
    """Bins of what is said, what is seen in them, and the mean distance of the two.

    In a classification, said is the probability of the given label and seen the share in which it is right; with
    several labels a row, the probability of each label and the share that has it. In a regression both are in the
    label's unit, and the bins are tenths of the rows.

    Returns
    -------
    dict
        ``error``: mean distance between said and seen, weighted by rows (expected calibration error); ``bins``: rows,
        said, seen, low, high.
    """
    if task == "regression":
        found = list(_numbers(scores.astype(np.float64), y.astype(np.float64)))
    elif task == "multilabel":
        found = list(_shares(scores.astype(np.float64).ravel(), y.ravel() > 0))
    else:
        found = list(_shares(scores.max(axis=1).astype(np.float64), scores.argmax(axis=1) == y))
    rows = sum(one["rows"] for one in found)
    return {"error": sum(one["rows"] / rows * abs(one["said"] - one["seen"]) for one in found), "bins": found}


def _shares(said: Floats, right: NDArray[np.bool_]) -> Iterator[dict[str, Any]]:
    place = np.minimum((said * BINS).astype(int), BINS - 1)
    for number in np.unique(place):
        here = place == number
        rows, hits = int(here.sum()), int(right[here].sum())
        low, high = wilson(hits, rows)
        yield {"rows": rows, "said": float(said[here].mean()), "seen": hits / rows, "low": low, "high": high}


def _numbers(said: Floats, seen: Floats) -> Iterator[dict[str, Any]]:
    """Rows with the same answer stay together, so there may be fewer bins."""
    edges = np.unique(np.quantile(said, np.linspace(0, 1, BINS + 1)[1:-1]))
    place = np.searchsorted(edges, said)
    for number in np.unique(place):
        here = place == number
        span = mean(seen[here])
        if span is not None:
            rows = int(here.sum())
            yield {
                "rows": rows,
                "said": float(said[here].mean()),
                "seen": span.value,
                "low": span.low,
                "high": span.high,
            }
