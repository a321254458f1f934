"""How good a classifier probably is while no labels have come: confidence-based performance estimation.

If an answer that says 0.8 is right eight times in ten, then what the answers say of themselves tells how many of them
are right. Each row stands once for every class, weighed by its calibrated probability: the expected confusion matrix,
and with it every metric, is that of the weighed rows (CBPE; Białek et al. 2024, "Estimating Model Performance Under
Covariate Shift Without Labels"; as in NannyML). It sees what a shift of the inputs does, not a
change of what they mean: only labels tell that.

The interval is of the labels that chance could give to these rows, and of which rows came.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from noria.stats.interval import Span
from noria.stats.metrics import METRICS, names, within

Floats = NDArray[np.float64]
MOST = 20_000  # rows that an estimate is made of, evenly spread over those there are
DRAWN = 2_000  # rows of which labels are drawn for the interval, which is then scaled to the rows there are
ROUNDS = 100
FEWEST = 200  # rows with a known truth that a calibration is learned from
BINS = 10


@dataclass(frozen=True, slots=True)
class Calibration:
    """What a class's probability means, as a non-decreasing step function a class; none: probabilities are as said."""

    steps: tuple[tuple[Floats, Floats], ...] = ()

    @property
    def changes(self) -> bool:
        return bool(self.steps)

    def of(self, scores: Floats) -> Floats:
        """Calibrated probabilities [n, classes], each row's adding up to 1."""
        if not self.steps:
            return scores
        found = np.column_stack([np.interp(scores[:, k], x, y) for k, (x, y) in enumerate(self.steps)])
        total = found.sum(axis=1, keepdims=True)
        even = np.full_like(found, 1 / found.shape[1])
        return np.asarray(np.divide(found, total, out=even, where=total > 0))


def calibrated(scores: Floats, y: NDArray[np.int64]) -> Calibration:
    """Learn what probabilities mean from rows whose truth is known and that the model did not learn from.

    Isotonic regression of each class against the others (Zadrozny and Elkan 2002), kept only if what it learned from
    one half of the rows makes the other half's probabilities truer.
    """
    if len(y) < FEWEST:
        return Calibration()
    half = np.arange(len(y)) % 2 == 0
    tried = _isotonic(scores[half], y[half])
    rest, truth = scores[~half], y[~half]
    if _error(tried.of(rest), truth) >= _error(rest, truth):
        return Calibration()
    return _isotonic(scores, y)


def estimate(scores: Floats, calibration: Calibration, *, seed: int = 0) -> dict[str, Span]:
    """Every metric of a classification that these answers are expected to have, with its 95 % interval.

    Parameters
    ----------
    scores
        Probabilities as they were answered, [n, classes]; rows with NaN are left out.
    """
    known = scores[np.isfinite(scores).all(axis=1)]
    if not len(known) or known.shape[1] < 2:
        return {}
    kept = _spread(known, MOST)
    p = calibration.of(kept)
    few = slice(None) if len(kept) <= DRAWN else np.linspace(0, len(kept) - 1, DRAWN).astype(int)
    intervals = _intervals(kept[few], p[few], seed)
    scale = np.sqrt(len(kept[few]) / len(known))
    found = {}
    for name, value in _expected(kept, p[None]).items():
        low, high, middle = intervals[name]
        if np.isfinite([value[0], low, high]).all():
            ends = float(value[0] + (low - middle) * scale), float(value[0] + (high - middle) * scale)
            found[name] = Span(float(value[0]), *within(name, *ends))
    return found


def _spread(scores: Floats, most: int) -> Floats:
    return scores if len(scores) <= most else scores[np.linspace(0, len(scores) - 1, most).astype(int)]


def _expected(scores: Floats, weights: Floats) -> dict[str, Floats]:
    """Each metric of rows that are each class with a weight, [rounds, n, classes]."""
    rows, classes = scores.shape
    truth, answers = np.tile(np.arange(classes), rows), np.repeat(scores, classes, axis=0)
    flat = weights.reshape(len(weights), rows * classes)
    return {name: METRICS[name].prepare(truth, answers)(flat) for name in names("classification")}


def _intervals(scores: Floats, p: Floats, seed: int) -> Mapping[str, tuple[float, float, float]]:
    """Low and high ends by name, and the middle: rows drawn with replacement, each with a label that chance gives."""
    random = np.random.default_rng(seed)
    rows, classes = p.shape
    drawn = np.array([np.bincount(random.integers(0, rows, rows), minlength=rows) for _ in range(ROUNDS)])
    weights = np.zeros((ROUNDS, rows, classes))
    left, rest = drawn, np.ones(rows)
    for k in range(classes - 1):
        share = np.clip(np.divide(p[:, k], rest, out=np.zeros(rows), where=rest > 0), 0, 1)
        weights[:, :, k] = random.binomial(left, share)
        left, rest = left - weights[:, :, k].astype(np.int64), rest - p[:, k]
    weights[:, :, classes - 1] = left
    found = {}
    for name, values in _expected(scores, weights).items():
        known = values[np.isfinite(values)]
        low, middle, high = np.percentile(known, [2.5, 50, 97.5]) if known.size else (np.nan,) * 3
        found[name] = (float(low), float(high), float(middle))
    return found


def _isotonic(scores: Floats, y: NDArray[np.int64]) -> Calibration:
    from sklearn.isotonic import IsotonicRegression

    steps = []
    for k in range(scores.shape[1]):
        fitted = IsotonicRegression(y_min=0, y_max=1, out_of_bounds="clip").fit(scores[:, k], y == k)
        steps.append((np.asarray(fitted.X_thresholds_, float), np.asarray(fitted.y_thresholds_, float)))
    return Calibration(tuple(steps))


def _error(p: Floats, y: NDArray[np.int64]) -> float:
    """Mean distance of said and seen over bins of each class's probability (expected calibration error)."""
    total = 0.0
    for k in range(p.shape[1]):
        place = np.minimum((p[:, k] * BINS).astype(int), BINS - 1)
        said = np.bincount(place, p[:, k], BINS)
        seen = np.bincount(place, y == k, BINS)
        total += float(np.abs(said - seen).sum()) / len(y)
    return total
