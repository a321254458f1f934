"""Named metrics: how good predictions are, one number each."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sklearn import metrics as sk

Floats = NDArray[np.floating]
Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Metric:
    """``of(truth, answer)``: for classification class indices [n] and probabilities [n, classes]; else values [n]."""

    of: Callable[[NDArray[np.generic], Floats], float]
    larger_is_better: bool
    task: str


def _labels(probabilities: Floats) -> Ints:
    return probabilities.argmax(axis=1).astype(np.int64)


def _roc_auc(y: NDArray[np.generic], p: Floats) -> float:
    present = np.unique(y)
    if len(present) < 2:
        return float("nan")  # not defined for one class
    if p.shape[1] == 2:
        return float(sk.roc_auc_score(y, p[:, 1]))
    if len(present) < p.shape[1]:
        return float("nan")
    return float(sk.roc_auc_score(y, p, multi_class="ovr", labels=np.arange(p.shape[1])))


METRICS: Mapping[str, Metric] = {
    "roc_auc": Metric(_roc_auc, True, "classification"),
    "accuracy": Metric(lambda y, p: float(sk.accuracy_score(y, _labels(p))), True, "classification"),
    "balanced_accuracy": Metric(lambda y, p: float(_recalls(y, p)), True, "classification"),
    "f1": Metric(lambda y, p: float(sk.f1_score(y, _labels(p), average="macro", zero_division=0)), True, "classification"),
    "log_loss": Metric(
        lambda y, p: float(sk.log_loss(y, p, labels=np.arange(p.shape[1]))), False, "classification"
    ),
    "rmse": Metric(lambda y, p: float(np.sqrt(np.mean((y - p) ** 2))), False, "regression"),  # type: ignore[operator]
    "mae": Metric(lambda y, p: float(np.mean(np.abs(y - p))), False, "regression"),  # type: ignore[operator]
    "r2": Metric(lambda y, p: float(sk.r2_score(y, p)), True, "regression"),
}


def _recalls(y: NDArray[np.generic], p: Floats) -> float:
    found = _labels(p)
    return float(np.mean([np.mean(found[y == label] == label) for label in np.unique(y)]))


def names(task: str) -> list[str]:
    """The metrics of a task."""
    return [name for name, metric in METRICS.items() if metric.task == task]


def all_of(task: str, y: NDArray[np.generic], answer: Floats) -> dict[str, float]:
    """Every metric of the task; those that are not defined for these rows are left out."""
    found = {name: METRICS[name].of(y, answer) for name in names(task)}
    return {name: value for name, value in found.items() if np.isfinite(value)}


def default(task: str) -> str:
    return "roc_auc" if task == "classification" else "rmse"
