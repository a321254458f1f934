"""Two models on the same rows."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import binomtest, norm

from noria.stats.interval import bootstrap
from noria.stats.metrics import METRICS

Count = int | NDArray[np.int64] | NDArray[np.float64]


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
    measure = METRICS[metric]
    sign = 1 if measure.larger_is_better else -1
    old, new = measure.prepare(y, champion), measure.prepare(y, candidate)
    low, high = bootstrap({"gain": lambda w: sign * (new(w) - old(w))}, len(y), seed=seed)["gain"]
    a, b = measure.of(y, champion), measure.of(y, candidate)
    return Gap(a, b, measure.gain(b, a), low, high)


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


def two_shares(hits: Count, rows: Count, other_hits: Count, other_rows: Count) -> NDArray[np.float64]:
    """Two-sided p-values that two shares are equal (pooled z-test), of many pairs at once; 1 where nothing is known."""
    n, m = np.asarray(rows, dtype=np.float64), np.asarray(other_rows, dtype=np.float64)
    a, b = np.asarray(hits, dtype=np.float64), np.asarray(other_hits, dtype=np.float64)
    known = (n > 0) & (m > 0)
    n, m = np.where(known, n, 1), np.where(known, m, 1)
    pooled = np.clip((a + b) / (n + m), 0, 1)  # where nothing is known it would be no share
    spread = np.sqrt(pooled * (1 - pooled) * (1 / n + 1 / m))
    known &= spread > 0
    found: NDArray[np.float64] = 2 * norm.sf(np.abs(a / n - b / m) / np.where(known, spread, 1))
    return np.where(known, found, 1.0)


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
