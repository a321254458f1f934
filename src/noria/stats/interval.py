"""What a figure from few rows may really be: confidence intervals."""

from collections.abc import Callable
from dataclasses import dataclass
from math import sqrt
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import norm


@dataclass(frozen=True, slots=True)
class Interval:
    """A figure, and the bounds that hold it with the confidence asked for."""

    value: float
    low: float
    high: float

    def plain(self) -> dict[str, float]:
        return {"value": self.value, "low": self.low, "high": self.high}


def wilson(hits: float, rows: int, confidence: float = 0.95) -> Interval:
    """Interval of a share, honest also for three rows and for shares of 0 and 1.

    Examples
    --------
    >>> [round(x, 3) for x in (wilson(3, 3).low, wilson(3, 3).high)]
    [0.438, 1.0]
    """
    if rows == 0:
        return Interval(float("nan"), 0.0, 1.0)
    z = float(norm.ppf((1 + confidence) / 2))
    share = hits / rows
    centre = (share + z * z / (2 * rows)) / (1 + z * z / rows)
    half = z / (1 + z * z / rows) * sqrt(share * (1 - share) / rows + z * z / (4 * rows * rows))
    return Interval(share, max(0.0, centre - half), min(1.0, centre + half))


def difference(a: Interval, b: Interval) -> Interval:
    """Interval of ``a - b`` of two independent shares with Wilson intervals (Newcombe's method)."""
    value = a.value - b.value
    low = sqrt((a.value - a.low) ** 2 + (b.high - b.value) ** 2)
    high = sqrt((a.high - a.value) ** 2 + (b.value - b.low) ** 2)
    return Interval(value, value - low, value + high)


def bootstrap(
    statistic: Callable[[NDArray[np.intp]], float],
    rows: int,
    seed: int,
    rounds: int = 200,
    confidence: float = 0.95,
) -> Interval:
    """Percentile interval of a statistic over rows drawn again with replacement.

    Parameters
    ----------
    statistic
        Takes row positions, gives the figure; NaN where it is undefined (one class drawn), and such draws are left out.
    """
    value = statistic(np.arange(rows))
    random = np.random.default_rng(seed)
    drawn = np.array([statistic(random.integers(0, rows, rows)) for _ in range(rounds)])
    drawn = drawn[np.isfinite(drawn)]
    if drawn.size == 0:
        return Interval(value, float("nan"), float("nan"))
    low, high = np.quantile(drawn, [(1 - confidence) / 2, (1 + confidence) / 2])
    return Interval(value, float(low), float(high))


def mean_interval(values: NDArray[Any], confidence: float = 0.95) -> Interval:
    """Interval of a mean by the normal approximation."""
    mean = float(values.mean())
    if len(values) < 2:
        return Interval(mean, float("-inf"), float("inf"))
    half = float(norm.ppf((1 + confidence) / 2)) * float(values.std(ddof=1)) / sqrt(len(values))
    return Interval(mean, mean - half, mean + half)
