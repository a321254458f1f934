"""Named metrics: how good predictions are, one number each."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata

Values = NDArray[Any]
NAN = float("nan")


@dataclass(frozen=True, slots=True)
class Metric:
    """``of(truth, answer)``: for classification class indices [n] and probabilities [n, classes]; else values [n].

    It gives NaN where it is undefined for these rows. With two classes the second one is the positive one.
    """

    of: Callable[[Values, Values], float]
    larger_is_better: bool
    task: str

    def gain(self, new: float, old: float) -> float:
        """By how much ``new`` is better than ``old``; negative if it is worse."""
        return new - old if self.larger_is_better else old - new


def names(task: str) -> list[str]:
    """The metrics of a task."""
    return [name for name, metric in METRICS.items() if metric.task == task]


def all_of(task: str, y: Values, answer: Values) -> dict[str, float]:
    """Every metric of the task; those that are not defined for these rows are left out."""
    if len(y) == 0:
        return {}
    found = {name: float(METRICS[name].of(y, answer)) for name in names(task)}
    return {name: value for name, value in found.items() if np.isfinite(value)}


def default(task: str) -> str:
    return "roc_auc" if task == "classification" else "rmse"


def _auc(hit: NDArray[np.bool_], score: Values) -> float:
    # By ranks: a bootstrap calls this hundreds of times, and it takes a fifth of scikit-learn's time.
    hits = int(hit.sum())
    misses = len(hit) - hits
    if hits == 0 or misses == 0:
        return NAN
    return float((rankdata(score)[hit].sum() - hits * (hits + 1) / 2) / (hits * misses))


def _roc_auc(y: Values, p: Values) -> float:
    if p.shape[1] == 2:
        return _auc(y == 1, p[:, 1])
    each = [_auc(y == k, p[:, k]) for k in range(p.shape[1])]
    return float(np.mean(each))


def _average_precision(y: Values, p: Values) -> float:
    from sklearn.metrics import average_precision_score

    hit = y == p.shape[1] - 1
    return float(average_precision_score(hit, p[:, -1])) if p.shape[1] == 2 and 0 < hit.sum() < len(hit) else NAN


def _accuracy(y: Values, p: Values) -> float:
    return float((p.argmax(axis=1) == y).mean())


def _balanced_accuracy(y: Values, p: Values) -> float:
    said = p.argmax(axis=1)
    return float(np.mean([np.mean(said[y == label] == label) for label in np.unique(y)]))


def _by_class(y: Values, p: Values, ratio: Callable[[int, int, int], float]) -> float:
    said = p.argmax(axis=1)
    wanted = [1] if p.shape[1] == 2 else range(p.shape[1])
    found = []
    for k in wanted:
        both = int(((said == k) & (y == k)).sum())
        found.append(ratio(both, int((said == k).sum()) - both, int((y == k).sum()) - both))
    known = [value for value in found if not np.isnan(value)]
    return sum(known) / len(known) if known else NAN


def _precision(y: Values, p: Values) -> float:
    return _by_class(y, p, lambda tp, fp, fn: tp / (tp + fp) if tp + fp else NAN)


def _recall(y: Values, p: Values) -> float:
    return _by_class(y, p, lambda tp, fp, fn: tp / (tp + fn) if tp + fn else NAN)


def _f1(y: Values, p: Values) -> float:
    return _by_class(y, p, lambda tp, fp, fn: 2 * tp / (2 * tp + fp + fn) if tp + fp + fn else NAN)


def _log_loss(y: Values, p: Values) -> float:
    held = p[np.arange(len(y)), y.astype(np.int64)].astype(np.float64)
    return float(-np.log(np.clip(held, 1e-15, 1)).mean())


def _brier(y: Values, p: Values) -> float:
    if p.shape[1] == 2:
        return float(((p[:, 1] - (y == 1)) ** 2).mean())
    return float(((p - np.eye(p.shape[1])[y.astype(np.int64)]) ** 2).sum(axis=1).mean())


def _rmse(y: Values, v: Values) -> float:
    return float(np.sqrt(np.mean((y.astype(np.float64) - v) ** 2)))


def _mae(y: Values, v: Values) -> float:
    return float(np.mean(np.abs(y.astype(np.float64) - v)))


def _r2(y: Values, v: Values) -> float:
    spread = float(((y - y.mean()) ** 2).sum())
    return 1 - float(((y - v) ** 2).sum()) / spread if spread > 0 else NAN


METRICS: Mapping[str, Metric] = {
    "roc_auc": Metric(_roc_auc, True, "classification"),
    "accuracy": Metric(_accuracy, True, "classification"),
    "balanced_accuracy": Metric(_balanced_accuracy, True, "classification"),
    "average_precision": Metric(_average_precision, True, "classification"),
    "precision": Metric(_precision, True, "classification"),
    "recall": Metric(_recall, True, "classification"),
    "f1": Metric(_f1, True, "classification"),
    "log_loss": Metric(_log_loss, False, "classification"),
    "brier": Metric(_brier, False, "classification"),
    "rmse": Metric(_rmse, False, "regression"),
    "mae": Metric(_mae, False, "regression"),
    "r2": Metric(_r2, True, "regression"),
}
