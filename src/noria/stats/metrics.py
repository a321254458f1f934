"""Named metrics: how good predictions are, one number each."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from noria.stats.weighing import (
    HALF,
    Prepared,
    Ranked,
    Values,
    all_labels,
    each_class,
    each_label,
    mean_over,
    over,
    row_mean,
)

DEFAULTS = {"classification": "roc_auc", "multilabel": "mean_average_precision", "regression": "rmse"}


@dataclass(frozen=True, slots=True)
class Metric:
    """One metric of a task.

    prepare
        Takes truth and answers, and gives a function of weights [rounds, rows] that gives one value a round. Truth and
        answers are class indices [n] and probabilities [n, classes] in a classification; 0 or 1 and probabilities, both
        [n, labels], with several labels; values [n] in a regression. A value is NaN where it is undefined for these
        rows. With two classes the second one is the positive one.
    """

    prepare: Callable[[Values, Values], Prepared]
    larger_is_better: bool
    task: str

    def of(self, y: Values, answer: Values) -> float:
        """The metric of all rows."""
        return float(self.prepare(y, answer)(np.ones((1, len(y))))[0])

    def gain(self, new: float, old: float) -> float:
        """By how much ``new`` is better than ``old``; negative if it is worse."""
        return new - old if self.larger_is_better else old - new


def within(name: str, low: float, high: float) -> tuple[float, float]:
    """The ends of an interval, no further than the metric itself can go."""
    least, most = BOUNDS.get(name, (0.0, 1.0))
    return max(low, least), min(high, most)


def names(task: str) -> list[str]:
    """The metrics of a task."""
    return [name for name, metric in METRICS.items() if metric.task == task]


def all_of(task: str, y: Values, answer: Values) -> dict[str, float]:
    """Every metric of the task; those that are not defined for these rows are left out."""
    if len(y) == 0:
        return {}
    found = {name: METRICS[name].of(y, answer) for name in names(task)}
    return {name: value for name, value in found.items() if np.isfinite(value)}


def default(task: str) -> str:
    """The metric that a task is judged by unless another is named."""
    return DEFAULTS[task]


def _roc_auc(y: Values, p: Values) -> Prepared:
    if p.shape[1] == 2:
        return Ranked(y == 1, p[:, 1]).auc
    each = [Ranked(y == k, p[:, k]).auc for k in range(p.shape[1])]
    return lambda w: np.mean([one(w) for one in each], axis=0)


def _average_precision(y: Values, p: Values) -> Prepared:
    if p.shape[1] != 2:
        return lambda w: np.full(len(w), np.nan)
    return Ranked(y == 1, p[:, 1]).average_precision


def _accuracy(y: Values, p: Values) -> Prepared:
    return row_mean(np.asarray(p.argmax(axis=1) == y))


def _log_loss(y: Values, p: Values) -> Prepared:
    held = p[np.arange(len(y)), y.astype(np.int64)].astype(np.float64)
    return row_mean(-np.log(np.clip(held, 1e-15, 1)))


def _brier(y: Values, p: Values) -> Prepared:
    if p.shape[1] == 2:
        return row_mean((p[:, 1] - (y == 1)) ** 2)
    return row_mean(((p - np.eye(p.shape[1])[y.astype(np.int64)]) ** 2).sum(axis=1))


def _of_precision(tp: Values, fp: Values, fn: Values) -> Values:
    return over(tp, tp + fp)


def _of_recall(tp: Values, fp: Values, fn: Values) -> Values:
    return over(tp, tp + fn)


def _of_f1(tp: Values, fp: Values, fn: Values) -> Values:
    return over(2 * tp, 2 * tp + fp + fn)


def _mean_average_precision(y: Values, p: Values) -> Prepared:
    return mean_over([Ranked(y[:, k] > 0, p[:, k]).average_precision for k in range(p.shape[1])])


def _wrong(y: Values, p: Values) -> Values:
    return np.asarray((p >= HALF) != (y > 0))


def _gap(y: Values, v: Values) -> Values:
    return np.asarray(y.astype(np.float64) - v)


def _rmse(y: Values, v: Values) -> Prepared:
    squares = row_mean(_gap(y, v) ** 2)
    return lambda w: np.sqrt(squares(w))


def _r2(y: Values, v: Values) -> Prepared:
    centred = y.astype(np.float64) - float(y.mean())
    left, mean, square = row_mean(_gap(y, v) ** 2), row_mean(centred), row_mean(centred**2)
    return lambda w: 1 - over(left(w), np.maximum(square(w) - mean(w) ** 2, 0))


METRICS: Mapping[str, Metric] = {
    "roc_auc": Metric(_roc_auc, True, "classification"),
    "accuracy": Metric(_accuracy, True, "classification"),
    "balanced_accuracy": Metric(lambda y, p: each_class(y, p, _of_recall, of_two=False), True, "classification"),
    "average_precision": Metric(_average_precision, True, "classification"),
    "precision": Metric(lambda y, p: each_class(y, p, _of_precision), True, "classification"),
    "recall": Metric(lambda y, p: each_class(y, p, _of_recall), True, "classification"),
    "f1": Metric(lambda y, p: each_class(y, p, _of_f1), True, "classification"),
    "log_loss": Metric(_log_loss, False, "classification"),
    "brier": Metric(_brier, False, "classification"),
    "mean_average_precision": Metric(_mean_average_precision, True, "multilabel"),
    "f1_micro": Metric(lambda y, p: all_labels(y, p, _of_f1), True, "multilabel"),
    "f1_macro": Metric(lambda y, p: each_label(y, p, _of_f1), True, "multilabel"),
    "hamming_loss": Metric(lambda y, p: row_mean(_wrong(y, p).mean(axis=1)), False, "multilabel"),
    "subset_accuracy": Metric(lambda y, p: row_mean(np.asarray(~_wrong(y, p).any(axis=1))), True, "multilabel"),
    "rmse": Metric(_rmse, False, "regression"),
    "mae": Metric(lambda y, v: row_mean(np.abs(_gap(y, v))), False, "regression"),
    "r2": Metric(_r2, True, "regression"),
}
BOUNDS: Mapping[str, tuple[float, float]] = {  # of the others 0 and 1
    "log_loss": (0.0, np.inf),
    "brier": (0.0, 2.0),
    "rmse": (0.0, np.inf),
    "mae": (0.0, np.inf),
    "r2": (-np.inf, 1.0),
}
