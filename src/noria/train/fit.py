"""One candidate: fitted on the training split, measured on another."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import sparse

from noria.errors import UserCodeFailed
from noria.model.signature import Signature
from noria.model.sklearn import answer_of
from noria.stats.metrics import METRICS
from noria.store.attempt import Attempt


@dataclass(frozen=True, slots=True)
class Part:
    """The arrays of one split, memory-mapped: features [n, m], labels [n], weights [n]."""

    X: Any
    y: Any
    w: Any


def part(attempt: Attempt, split: str) -> Part:
    """Open the processed data of a split."""
    outputs = attempt.inputs["preprocess"].outputs
    if f"X.{split}.npz" in outputs:
        features = sparse.load_npz(attempt.open("preprocess", f"X.{split}.npz"))
    else:
        features = np.load(attempt.open("preprocess", f"X.{split}.npy"), mmap_mode="r")
    labels, weights = (np.load(attempt.open("preprocess", f"{name}.{split}.npy"), mmap_mode="r") for name in "yw")
    return Part(features, labels, weights)


def make(function: Callable[..., Any] | None, params: Mapping[str, Any], task: str, seed: int) -> Any:
    """An unfitted estimator from the user's function, or the default one.

    Raises
    ------
    UserCodeFailed
        If the function raises or returns no estimator.
    """
    if function is None:
        return _default(params, task, seed)
    try:
        made = function(dict(params))
    except Exception as error:
        raise UserCodeFailed(
            f"train function {function.__name__} raised {type(error).__name__}: {error}",
            where=f"parameters {dict(params)}",
            do="Correct it and run the same command again.",
        ) from error
    if not (hasattr(made, "fit") and hasattr(made, "predict")):
        raise UserCodeFailed(
            f"train function {function.__name__} returned {type(made).__name__}, not an estimator",
            where="train",
            do="Return an unfitted object with fit and predict.",
        )
    if "random_state" in getattr(made, "get_params", dict)() and made.get_params()["random_state"] is None:
        made.set_params(random_state=seed)
    return made


def fit(estimator: Any, data: Part, params: Mapping[str, Any]) -> Any:
    """Fit on a part, with its weights if they are not all 1.

    Raises
    ------
    UserCodeFailed
        If the estimator cannot be fitted.
    """
    weighted = not np.all(data.w == 1)
    try:
        if weighted:
            estimator.fit(data.X, data.y, sample_weight=np.asarray(data.w))
        else:
            estimator.fit(data.X, data.y)
    except Exception as error:
        raise UserCodeFailed(
            f"{type(estimator).__name__} cannot be fitted: {type(error).__name__}: {str(error).splitlines()[0]}",
            where=f"parameters {dict(params)}",
            do="Correct the train function or the search space.",
        ) from error
    return estimator


def measure(estimator: Any, data: Part, signature: Signature, metric: str) -> float:
    """One metric on a part; NaN where it is not defined."""
    return METRICS[metric].of(np.asarray(data.y), answer_of(estimator, data.X, signature).answer)


def _default(params: Mapping[str, Any], task: str, seed: int) -> Any:
    if task == "regression":
        from sklearn.linear_model import Ridge

        return Ridge(**params)
    from sklearn.linear_model import LogisticRegression

    return LogisticRegression(**{"max_iter": 500, "random_state": seed, **params})
