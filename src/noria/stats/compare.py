"""Two models on the same rows."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import binomtest, norm

from noria.stats.interval import bootstrap
from noria.stats.metrics import METRICS


@dataclass(frozen=True, slots=True)
class Gap:
    """Candidate minus champion, better counted as positive, with its 95 % interval (paired bootstrap)."""

    champion: float
    candidate: float
    gain: float
    low: float
    high: float


def paired(
    metric: str, y: NDArray[np.generic], champion: NDArray[np.float64], candidate: NDArray[np.float64], *, seed: int
) -> Gap:
    """Compare two models' answers to the same rows."""
    of = METRICS[metric].of
    gain = METRICS[metric].gain
    low, high = bootstrap(lambda at: gain(of(y[at], candidate[at]), of(y[at], champion[at])), len(y), seed=seed)
    a, b = of(y, champion), of(y, candidate)
    return Gap(a, b, gain(b, a), low, high)


@dataclass(frozen=True, slots=True)
class McNemar:
    """Rows only one of two models gets right, and how likely so lopsided a count is by chance (two-sided, exact)."""

    only_first: int
    only_second: int
    p: float


def mcnemar(first_right: NDArray[np.bool_], second_right: NDArray[np.bool_]) -> McNemar:
    """Exact McNemar test on the rows where the two disagree.

    Examples
    --------
    >>> mcnemar(np.array([True, True, False]), np.array([True, False, False])).p
    1.0
    """
    only_first = int((first_right & ~second_right).sum())
    only_second = int((second_right & ~first_right).sum())
    disagreed = only_first + only_second
    p = float(binomtest(only_first, disagreed).pvalue) if disagreed else 1.0
    return McNemar(only_first, only_second, p)


def two_shares(hits: int, rows: int, other_hits: int, other_rows: int) -> float:
    """Two-sided p-value that two shares are equal (pooled z-test)."""
    if rows == 0 or other_rows == 0:
        return 1.0
    pooled = (hits + other_hits) / (rows + other_rows)
    spread = np.sqrt(pooled * (1 - pooled) * (1 / rows + 1 / other_rows))
    if spread == 0:
        return 1.0
    return float(2 * norm.sf(abs(hits / rows - other_hits / other_rows) / spread))


def discoveries(p_values: NDArray[np.float64], rate: float = 0.05) -> NDArray[np.bool_]:
    """Which of many tests hold when at most ``rate`` of those said to hold may be false (Benjamini-Hochberg)."""
    count = len(p_values)
    if count == 0:
        return np.zeros(0, dtype=bool)
    order = np.argsort(p_values, kind="stable")
    below = p_values[order] <= rate * np.arange(1, count + 1) / count
    kept = np.zeros(count, dtype=bool)
    if below.any():
        kept[order[: int(np.flatnonzero(below).max()) + 1]] = True
    return kept
