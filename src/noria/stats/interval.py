"""How sure a share or a mean is."""

import math
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

Z95 = 1.959963984540054  # two-sided 95 %


def wilson(hits: float, count: int, z: float = Z95) -> tuple[float, float]:
    """Interval of a share (Wilson 1927); (0, 1) if nothing was counted."""
    if count == 0:
        return (0.0, 1.0)
    share = hits / count
    centre = (share + z * z / (2 * count)) / (1 + z * z / count)
    half = z / (1 + z * z / count) * math.sqrt(share * (1 - share) / count + z * z / (4 * count * count))
    return (max(0.0, centre - half), min(1.0, centre + half))


def difference(a: float, n: int, b: float, m: int, z: float = Z95) -> tuple[float, float]:
    """Interval of the share ``b`` of ``m`` minus the share ``a`` of ``n`` (Newcombe 1998, from Wilson's)."""
    low_a, high_a = wilson(a * n, n, z)
    low_b, high_b = wilson(b * m, m, z)
    gap = b - a
    return (
        gap - math.sqrt((b - low_b) ** 2 + (high_a - a) ** 2),
        gap + math.sqrt((high_b - b) ** 2 + (a - low_a) ** 2),
    )


def bootstrap(
    statistic: Callable[[NDArray[np.int64]], float], rows: int, *, seed: int, rounds: int = 200
) -> tuple[float, float]:
    """95 % percentile interval of a statistic of row positions; rounds in which it is not defined are left out."""
    random = np.random.default_rng(seed)
    found = np.array([statistic(random.integers(0, rows, rows)) for _ in range(rounds)])
    found = found[np.isfinite(found)]
    if found.size == 0:
        return (math.nan, math.nan)
    low, high = np.percentile(found, [2.5, 97.5])
    return (float(low), float(high))
