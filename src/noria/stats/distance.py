"""How far two histograms over the same bins are apart."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray


def shares(counts: ArrayLike) -> NDArray[np.float64]:
    """Counts as fractions of their sum; all zero if there is nothing to count."""
    values = np.asarray(counts, dtype=np.float64)
    total = values.sum()
    return values / total if total > 0 else np.zeros_like(values)


def l_infinity(a: ArrayLike, b: ArrayLike) -> float:
    """Largest change of any bin's share, between 0 and 1.

    Examples
    --------
    >>> l_infinity([50, 50], [70, 30])
    0.2
    """
    p, q = shares(a), shares(b)
    return round(float(np.abs(p - q).max()), 12) if p.size else 0.0


def jensen_shannon(a: ArrayLike, b: ArrayLike) -> float:
    """Jensen-Shannon divergence in bits: 0 for equal shares, 1 for shares that have no bin in common."""
    p, q = shares(a), shares(b)
    if p.sum() == 0 or q.sum() == 0:
        return 0.0 if p.sum() == q.sum() else 1.0
    middle = (p + q) / 2
    return max(0.0, (_relative_entropy(p, middle) + _relative_entropy(q, middle)) / 2)


def population_stability(a: ArrayLike, b: ArrayLike, floor: float = 1e-4) -> float:
    """Population stability index; empty bins count as ``floor`` so that it stays finite.

    By custom, below 0.1 is stable and above 0.25 has moved.
    """
    p, q = np.maximum(shares(a), floor), np.maximum(shares(b), floor)
    return float(((q - p) * np.log(q / p)).sum())


def wasserstein(a: ArrayLike, b: ArrayLike, edges: Sequence[float]) -> float:
    """Work to move one histogram into the other, in units of the column.

    Parameters
    ----------
    a, b
        Counts of the bins.
    edges
        One more than there are bins, ascending; a bin's mass is spread evenly over it.
    """
    width = np.diff(np.asarray(edges, dtype=np.float64))
    gap = np.concatenate([[0.0], np.cumsum(shares(a) - shares(b))])
    left, right = gap[:-1], gap[1:]
    # Within a bin the gap between the cumulated shares is a straight line: integrate its absolute value exactly.
    crossing = left * right < 0
    straight = np.abs(left + right) / 2
    total = np.abs(left) + np.abs(right)
    bent = (left**2 + right**2) / (2 * np.where(total > 0, total, 1.0))
    return float((np.where(crossing, bent, straight) * width).sum())


def _relative_entropy(p: NDArray[np.float64], q: NDArray[np.float64]) -> float:
    held = p > 0
    return float((p[held] * np.log2(p[held] / q[held])).sum())
