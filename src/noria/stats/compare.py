"""Two models on the same rows."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

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
    sign = 1.0 if METRICS[metric].larger_is_better else -1.0
    low, high = bootstrap(lambda at: sign * (of(y[at], candidate[at]) - of(y[at], champion[at])), len(y), seed=seed)
    a, b = of(y, champion), of(y, candidate)
    return Gap(a, b, sign * (b - a), low, high)
