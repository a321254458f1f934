"""How sure a share or a mean is."""

import math
from collections.abc import Callable, Mapping
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Z95 = 1.959963984540054  # two-sided 95 %
CELLS = 1 << 20  # weights in memory at once


class Span(NamedTuple):
    """A value and its 95 % interval."""

    value: float
    low: float
    high: float


def wilson(hits: float, count: int, z: float = Z95) -> tuple[float, float]:
    """Interval of a share (Wilson 1927); (0, 1) if nothing was counted."""
    if count == 0:
        return (0.0, 1.0)
    share = hits / count
    centre = (share + z * z / (2 * count)) / (1 + z * z / count)
    half = z / (1 + z * z / count) * math.sqrt(share * (1 - share) / count + z * z / (4 * count * count))
    # Of none and of all the bound is exact; what rounding leaves of it would be shown as a number.
    return (max(0.0, centre - half) if hits else 0.0, min(1.0, centre + half) if hits < count else 1.0)


def difference(a: float, n: int, b: float, m: int, z: float = Z95) -> tuple[float, float]:
    """Interval of the share ``b`` of ``m`` minus the share ``a`` of ``n`` (Newcombe 1998, from Wilson's)."""
    low_a, high_a = wilson(a * n, n, z)
    low_b, high_b = wilson(b * m, m, z)
    gap = b - a
    return (
        gap - math.sqrt((b - low_b) ** 2 + (high_a - a) ** 2),
        gap + math.sqrt((high_b - b) ** 2 + (a - low_a) ** 2),
    )


def apart(a: Span, b: Span) -> tuple[float, float]:
    """Interval of ``b`` minus ``a`` from their own intervals (Zou and Donner 2008; of Wilson's it is Newcombe's)."""
    gap = b.value - a.value
    return (
        gap - math.sqrt((b.value - b.low) ** 2 + (a.high - a.value) ** 2),
        gap + math.sqrt((b.high - b.value) ** 2 + (a.value - a.low) ** 2),
    )


def mean(values: NDArray[np.float64]) -> Span | None:
    """A mean with its interval (Student 1908); None of fewer than two values, which say nothing of their spread."""
    if len(values) < 2:
        return None
    from scipy.special import stdtrit

    centre = float(values.mean())
    half = float(stdtrit(len(values) - 1, 0.975) * values.std(ddof=1) / math.sqrt(len(values)))
    return Span(centre, centre - half, centre + half)


def bootstrap(
    statistics: Mapping[str, Callable[[NDArray[np.float64]], NDArray[np.float64]]],
    rows: int,
    *,
    seed: int,
    rounds: int = 200,
) -> dict[str, tuple[float, float]]:
    """95 % percentile intervals of statistics of weighed rows, all by the same draws.

    Parameters
    ----------
    statistics
        By name: takes weights [some rounds, rows], how often each row was drawn, and gives one value a round.

    Returns
    -------
    dict
        Low and high by name; rounds in which a statistic is not defined are left out, NaN if it is in none.
    """
    random = np.random.default_rng(seed)
    found: dict[str, list[NDArray[np.float64]]] = {name: [] for name in statistics}
    left = rounds
    while left:
        some = min(left, max(1, CELLS // max(1, rows)))
        drawn = [np.bincount(random.integers(0, rows, rows), minlength=rows) for _ in range(some)]
        weights = np.array(drawn, dtype=np.float64)
        for name, one in statistics.items():
            found[name].append(one(weights))
        left -= some
    return {name: _middle(np.concatenate(values)) for name, values in found.items()}


def _middle(found: NDArray[np.float64]) -> tuple[float, float]:
    known = found[np.isfinite(found)]
    if known.size == 0:
        return (math.nan, math.nan)
    low, high = np.percentile(known, [2.5, 97.5])
    return (float(low), float(high))
