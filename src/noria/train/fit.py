"""One candidate: fitted on the training split, measured on another."""

import inspect
import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from scipy import sparse

from noria.errors import UserCodeFailed
from noria.model.signature import Signature
from noria.model.sklearn import answer_of
from noria.stats.metrics import METRICS
from noria.store.attempt import Attempt


@dataclass(frozen=True, slots=True)
class Files:
    """Where the arrays of one split lie; light enough to send to another process."""

    features: str
    sparse: bool
    labels: str
    weights: str


@dataclass(frozen=True, slots=True)
class Part:
    """The arrays of one split, memory-mapped: features [n, m], labels [n], weights [n]."""

    X: Any
    y: Any
    w: Any


def files(attempt: Attempt, split: str) -> Files:
    """The processed data of a split."""
    is_sparse = f"X.{split}.npz" in attempt.inputs["preprocess"].outputs
    names = (f"X.{split}.{'npz' if is_sparse else 'npy'}", f"y.{split}.npy", f"w.{split}.npy")
    features, labels, weights = (str(attempt.open("preprocess", name)) for name in names)
    return Files(features, is_sparse, labels, weights)


def open_part(where: Files) -> Part:
    """Memory-map a split: all processes that do share one copy."""
    if where.sparse:
        with Path(where.features).open("rb") as file:
            features = sparse.load_npz(file)
    else:
        features = np.load(where.features, mmap_mode="r")
    return Part(features, np.load(where.labels, mmap_mode="r"), np.load(where.weights, mmap_mode="r"))


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
        made = function(dict(params)) if inspect.signature(function).parameters else function()
    except Exception as error:
        raise _failed(f"the train function {function.__name__} raised", error, params) from error
    if isinstance(made, type) or not (hasattr(made, "fit") and hasattr(made, "predict")):
        kind = made.__name__ if isinstance(made, type) else type(made).__name__
        raise UserCodeFailed(
            f"the train function {function.__name__} returned {kind}, which is no unfitted estimator",
            where="train",
            do="Return an object with fit and predict, such as LogisticRegression().",
        )
    if hasattr(made, "get_params"):
        missing = [key for key, value in made.get_params().items() if key.endswith("random_state") and value is None]
        made.set_params(**dict.fromkeys(missing, seed))
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
        if not weighted:
            estimator.fit(data.X, data.y)
        elif hasattr(estimator, "steps"):  # a pipeline hands weights to its last step only by that step's name
            estimator.fit(data.X, data.y, **{f"{estimator.steps[-1][0]}__sample_weight": np.asarray(data.w)})
        else:
            estimator.fit(data.X, data.y, sample_weight=np.asarray(data.w))
    except Exception as error:
        raise _failed(f"fitting {type(estimator).__name__} raised", error, params) from error
    return estimator


def measure(estimator: Any, data: Part, signature: Signature, metric: str) -> float:
    """One metric on a part; NaN where it is undefined.

    Raises
    ------
    UserCodeFailed
        If the estimator cannot predict, or predicts NaN.
    """
    try:
        scores = answer_of(estimator, data.X, signature).scores
    except Exception as error:
        raise _failed(f"{type(estimator).__name__} cannot predict:", error, {}) from error
    wanted = (len(data.y),) if signature.classes is None else (len(data.y), len(signature.classes))
    if scores.shape != wanted:
        raise UserCodeFailed(
            f"{type(estimator).__name__} gives answers of shape {scores.shape} where {wanted} is due",
            where="train",
            do="Predict one answer a row, with one probability a class.",
        )
    if not np.isfinite(scores).all():
        raise UserCodeFailed(
            f"{type(estimator).__name__} predicts NaN for {int((~np.isfinite(scores)).sum()):,} rows",
            where="train",
            do="Impute missing values in the preprocess function, or use another estimator.",
        )
    return METRICS[metric].of(np.asarray(data.y), scores)


def _default(params: Mapping[str, Any], task: str, seed: int) -> Any:
    import lightgbm

    kind = lightgbm.LGBMRegressor if task == "regression" else lightgbm.LGBMClassifier
    steady = {"random_state": seed, "deterministic": True, "force_row_wise": True, "verbose": -1, "n_jobs": 2}
    return kind(**{"n_estimators": 100, **steady, **params})


def _failed(what: str, error: Exception, params: Mapping[str, Any]) -> UserCodeFailed:
    frames = [f for f in traceback.extract_tb(error.__traceback__) if "site-packages" not in f.filename]
    last = frames[-1] if frames else None
    where = f"{last.filename}, line {last.lineno}" if last and "/noria/" not in last.filename else "train"
    shown = f", with {dict(params)}" if params else ""
    text = (str(error).splitlines() or [""])[0][:300]
    do = "Correct the train function or the space, then run the same command again."
    return UserCodeFailed(f"{what} {type(error).__name__}: {text}", where=where + shown, do=do)
