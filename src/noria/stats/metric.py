"""Named metrics: how good answers are, from truth and scores."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata

Numbers = NDArray[Any]
NAN = float("nan")


@dataclass(frozen=True, slots=True)
class Metric:
    """One metric. ``function`` takes truth, scores and the positive class's index; it gives NaN where undefined."""

    name: str
    direction: str
    function: Callable[[Numbers, Numbers, int], float]


def measure(name: str, truth: Numbers, scores: Numbers, positive: int | None = None) -> float:
    """A metric's value; NaN where it is undefined, such as the ROC curve of one class.

    Parameters
    ----------
    truth
        Class indices, or values for regression.
    scores
        Probabilities, one column a class; or predicted values.
    positive
        Index of the class that counts as positive; None: the last.

    Raises
    ------
    KeyError
        If there is no metric of that name; ``METRICS`` has all.
    """
    if len(truth) == 0:
        return NAN
    last = scores.shape[1] - 1 if scores.ndim == 2 else 0
    return METRICS[name].function(truth, scores, last if positive is None else positive)


def names(task: str, classes: int | None = None) -> tuple[str, ...]:
    """Metrics that are always reported."""
    if task == "regression":
        return ("rmse", "mae", "r2")
    return ("roc_auc", "accuracy", "f1", "precision", "recall", "log_loss", "brier")


def default(task: str) -> str:
    return "rmse" if task == "regression" else "roc_auc"


def better(name: str, a: float, b: float) -> float:
    """By how much ``a`` is better than ``b``; negative if it is worse."""
    return a - b if METRICS[name].direction == "maximize" else b - a


def _auc(truth: NDArray[np.bool_], score: Numbers) -> float:
    hits = int(truth.sum())
    misses = len(truth) - hits
    if hits == 0 or misses == 0:
        return NAN
    return float((rankdata(score)[truth].sum() - hits * (hits + 1) / 2) / (hits * misses))


def _roc_auc(truth: Numbers, scores: Numbers, positive: int) -> float:
    if scores.shape[1] == 2:
        return _auc(truth == positive, scores[:, positive])
    # One class against the rest, weighted by how often each occurs.
    each = [(_auc(truth == k, scores[:, k]), float((truth == k).mean())) for k in range(scores.shape[1])]
    known = [(value, share) for value, share in each if not np.isnan(value)]
    return sum(v * s for v, s in known) / sum(s for _, s in known) if known else NAN


def _accuracy(truth: Numbers, scores: Numbers, positive: int) -> float:
    return float((scores.argmax(axis=1) == truth).mean())


def _average_precision(truth: Numbers, scores: Numbers, positive: int) -> float:
    from sklearn.metrics import average_precision_score

    held = truth == positive
    return float(average_precision_score(held, scores[:, positive])) if 0 < held.sum() < len(held) else NAN


def _per_class(truth: Numbers, scores: Numbers, positive: int, ratio: Callable[[int, int, int], float]) -> float:
    answer = scores.argmax(axis=1)

    def one(k: int) -> float:
        said, true = answer == k, truth == k
        both = int((said & true).sum())
        return ratio(both, int(said.sum()) - both, int(true.sum()) - both)

    if scores.shape[1] == 2:
        return one(positive)
    known = [value for value in map(one, range(scores.shape[1])) if not np.isnan(value)]
    return sum(known) / len(known) if known else NAN


def _precision(truth: Numbers, scores: Numbers, positive: int) -> float:
    return _per_class(truth, scores, positive, lambda tp, fp, fn: tp / (tp + fp) if tp + fp else NAN)


def _recall(truth: Numbers, scores: Numbers, positive: int) -> float:
    return _per_class(truth, scores, positive, lambda tp, fp, fn: tp / (tp + fn) if tp + fn else NAN)


def _f1(truth: Numbers, scores: Numbers, positive: int) -> float:
    return _per_class(truth, scores, positive, lambda tp, fp, fn: 2 * tp / (2 * tp + fp + fn) if tp + fp + fn else NAN)


def _log_loss(truth: Numbers, scores: Numbers, positive: int) -> float:
    held = np.clip(scores[np.arange(len(truth)), truth.astype(int)].astype(np.float64), 1e-15, 1)
    return float(-np.log(held).mean())


def _brier(truth: Numbers, scores: Numbers, positive: int) -> float:
    if scores.shape[1] == 2:
        return float(((scores[:, positive] - (truth == positive)) ** 2).mean())
    wanted = np.eye(scores.shape[1])[truth.astype(int)]
    return float(((scores - wanted) ** 2).sum(axis=1).mean())


def _rmse(truth: Numbers, values: Numbers, positive: int) -> float:
    return float(np.sqrt(((values - truth) ** 2).mean()))


def _mae(truth: Numbers, values: Numbers, positive: int) -> float:
    return float(np.abs(values - truth).mean())


def _r2(truth: Numbers, values: Numbers, positive: int) -> float:
    spread = float(((truth - truth.mean()) ** 2).sum())
    return 1 - float(((truth - values) ** 2).sum()) / spread if spread > 0 else NAN


METRICS = {
    metric.name: metric
    for metric in (
        Metric("roc_auc", "maximize", _roc_auc),
        Metric("accuracy", "maximize", _accuracy),
        Metric("average_precision", "maximize", _average_precision),
        Metric("precision", "maximize", _precision),
        Metric("recall", "maximize", _recall),
        Metric("f1", "maximize", _f1),
        Metric("log_loss", "minimize", _log_loss),
        Metric("brier", "minimize", _brier),
        Metric("rmse", "minimize", _rmse),
        Metric("mae", "minimize", _mae),
        Metric("r2", "maximize", _r2),
    )
}
