"""Whether a probability of 0.7 comes true seven times in ten."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from noria.stats.interval import wilson

BINS = 10


def calibration(y: NDArray[np.int64], probability: NDArray[Any]) -> dict[str, Any]:
    """Bins of the probability of the given label, and the expected calibration error.

    Returns
    -------
    dict
        ``error``: mean distance between said and seen share, weighted by rows; ``bins``: rows, said, seen, low, high.
    """
    said = probability.max(axis=1).astype(np.float64)
    right = probability.argmax(axis=1) == y
    place = np.minimum((said * BINS).astype(int), BINS - 1)
    bins, error = [], 0.0
    for number in range(BINS):
        here = place == number
        rows = int(here.sum())
        if rows == 0:
            continue
        seen = float(right[here].mean())
        low, high = wilson(int(right[here].sum()), rows)
        mean = float(said[here].mean())
        bins.append({"rows": rows, "said": mean, "seen": seen, "low": low, "high": high})
        error += rows / len(y) * abs(mean - seen)
    return {"error": error, "bins": bins}
