"""One candidate: fitted on the training split, measured on another."""

import inspect
import sys
import traceback
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from joblib import cpu_count
from optuna import TrialPruned
from scipy import sparse
from threadpoolctl import threadpool_limits

from noria.errors import NoriaError, UserCodeFailed
from noria.model.signature import Signature
from noria.model.sklearn import answer_of, class_columns, scores
from noria.model.xgboost import AnyLabels, is_xgboost
from noria.stats.metrics import METRICS
from noria.train import batches, network
from noria.train.arrays import ROWS, Part, bytes_of, chunks, whole
from noria.train.trial import RunningTrial
from noria.train.watch import Watch, lightgbm_callback, xgboost_callback

CORES = cpu_count()


@dataclass(frozen=True, slots=True)
class How:
    """How a candidate is fitted.

    threads
        That it may use.
    batches, epochs
        Rows of a mini-batch, None: all rows at once where memory allows; and passes over them.
    memory_mb
        What the step may use; features larger than that are learned from in mini-batches. None: no bound.
    """

    threads: int = CORES
    batches: int | None = None
    epochs: int = 1
    memory_mb: int | None = None

    def rows(self, data: Part) -> int | None:
        """Rows of a mini-batch for these data, or None."""
        if self.batches is None and self.memory_mb is not None and bytes_of(data.X) > self.memory_mb << 20:
            return ROWS
        return self.batches


def make(
    function: Callable[..., Any] | None,
    params: Mapping[str, Any],
    task: str,
    seed: int,
    *,
    trial: RunningTrial | None = None,
    threads: int = CORES,
) -> Any:
    """An unfitted estimator from the user's function, or the default one.

    Raises
    ------
    UserCodeFailed
        If the function raises or returns no estimator.
    """
    if function is None:
        return _default(params, task, seed, threads)
    made = _called(function, params, seed, trial or RunningTrial(0, params))
    if network.is_module(made):
        made = network.Torch(made)
    if isinstance(made, type) or not (hasattr(made, "fit") and hasattr(made, "predict")):
        kind = made.__name__ if isinstance(made, type) else type(made).__name__
        raise UserCodeFailed(
            f"the train function {function.__name__} returned {kind}, which is no unfitted estimator",
            where="train",
            do="Return an object with fit and predict, such as LogisticRegression(), or a PyTorch module.",
        )
    if hasattr(made, "get_params"):
        missing = [key for key, value in made.get_params().items() if key.endswith("random_state") and value is None]
        made.set_params(**dict.fromkeys(missing, seed))
        _share_cores(made, threads)
    return made


def _called(function: Callable[..., Any], params: Mapping[str, Any], seed: int, trial: RunningTrial) -> Any:
    """What the function returns; PyTorch draws a module's first weights in it, and has to be seeded before."""
    given = [dict(params), trial][: len(inspect.signature(function).parameters)]
    for _ in range(2):
        loaded = sys.modules.get("torch")
        try:
            if loaded is not None:
                loaded.manual_seed(seed)
            made = function(*given)
        except TrialPruned:
            raise
        except Exception as error:
            raise _failed(f"the train function {function.__name__} raised", error, params) from error
        if loaded is not None or "torch" not in sys.modules:
            return made
    return made


def _share_cores(made: Any, threads: int) -> None:
    """Boosters that would take all cores take their part; what asks for more than there are gets these."""
    greedy = type(made).__module__.split(".")[0] in ("lightgbm", "xgboost")
    for key, value in made.get_params().items():
        if not key.endswith("n_jobs") or not (value is None or isinstance(value, int)):
            continue
        if (value is None and greedy) or (value is not None and threads < CORES and not 0 < value <= threads):
            made.set_params(**{key: threads})


def fit(
    estimator: Any, data: Part, params: Mapping[str, Any], how: How | None = None, watch: Watch | None = None
) -> Any:
    """Fit on a part, with its weights if they are not all 1. One model a label where it takes one label only.

    Parameters
    ----------
    watch
        Judges it while it learns, if it is of a kind that can be watched.

    Raises
    ------
    UserCodeFailed
        If the estimator cannot be fitted.
    """
    how = how or How()
    labels = data.y
    if data.y.ndim == 2:  # kept in bytes; some libraries take whole numbers of 64 bits only
        labels = data.y.astype(np.int64)
        estimator = estimator if isinstance(estimator, network.Torch) else _for_several(estimator)
    elif is_xgboost(estimator) and labels.dtype.kind == "i" and len(np.unique(labels)) <= labels.max():
        estimator = AnyLabels(estimator)
    try:
        with threadpool_limits(how.threads), warnings.catch_warnings():
            warnings.filterwarnings("ignore", "X does not have valid feature names")
            return _fitted(estimator, Part(data.X, labels, data.w), how, watch)
    except (TrialPruned, NoriaError, MemoryError):
        raise
    except Exception as error:
        raise _failed(f"fitting {type(estimator).__name__} raised", error, params) from error


def _fitted(estimator: Any, data: Part, how: How, watch: Watch | None) -> Any:
    rows, weights = how.rows(data), data.weights
    listened = watch if watch is not None and watch.trial.listens else None
    if isinstance(estimator, network.Torch):
        after = None
        if listened is not None:
            after = partial(_report, listened)
        return estimator.fit(data.X, data.y, weights, after)
    kind = type(estimator).__module__.split(".")[0]
    if rows is None or not (kind == "lightgbm" or hasattr(estimator, "partial_fit")):
        data = Part(whole(data.X), data.y, data.w)
    if kind == "lightgbm" and (rows is not None or listened is not None):
        found = [lightgbm_callback(listened, estimator.n_estimators, _classes(data.y))] if listened else []
        if rows is not None and not sparse.issparse(data.X):  # CSR it takes as it is
            return batches.boosted(estimator, data, rows, found)
        return estimator.fit(data.X, data.y, sample_weight=weights, callbacks=found)
    if kind == "xgboost" and listened is not None:
        trees = estimator.n_estimators or 100
        estimator.set_params(callbacks=[xgboost_callback(listened, trees, _classes(data.y))])
        estimator.fit(data.X, data.y, sample_weight=weights)
        return estimator.set_params(callbacks=None)
    if rows is not None and hasattr(estimator, "partial_fit"):
        return batches.partial(estimator, data, rows, how.epochs, listened)
    if weights is None:
        return estimator.fit(data.X, data.y)
    # a pipeline hands weights to its last step only by that step's name
    name = f"{estimator.steps[-1][0]}__sample_weight" if hasattr(estimator, "steps") else "sample_weight"
    return estimator.fit(data.X, data.y, **{name: weights})


def _report(watch: Watch, estimator: Any, step: int) -> None:
    watch.scores(scores(estimator, watch.validation.X), class_columns(estimator), step)


def _classes(y: Any) -> Any:
    return np.unique(y) if y.dtype.kind == "i" else None


def measure(estimator: Any, data: Part, signature: Signature, metric: str) -> float:
    """One metric on a part; NaN where it is undefined.

    Raises
    ------
    UserCodeFailed
        If the estimator cannot predict, or predicts NaN.
    """
    try:
        scores = answers(estimator, data, signature)
    except MemoryError:
        raise
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


def answers(estimator: Any, data: Part, signature: Signature) -> Any:
    """What metrics are made from, asked for part by part: libraries copy what they are given."""
    parts = [answer_of(estimator, whole(data.X[part]), signature).scores for part in chunks(len(data.y))]
    return np.concatenate(parts) if parts else answer_of(estimator, whole(data.X), signature).scores


def _for_several(estimator: Any) -> Any:
    """The estimator if it takes several labels a row, else one of it for each label."""
    from sklearn.multioutput import MultiOutputClassifier
    from sklearn.utils import get_tags

    tags = get_tags(estimator) if hasattr(estimator, "get_params") else None
    if tags is None or tags.target_tags.multi_output or (tags.classifier_tags and tags.classifier_tags.multi_label):
        return estimator
    return MultiOutputClassifier(estimator)


def _default(params: Mapping[str, Any], task: str, seed: int, threads: int) -> Any:
    import lightgbm

    kind = lightgbm.LGBMRegressor if task == "regression" else lightgbm.LGBMClassifier
    steady = {"random_state": seed, "deterministic": True, "force_row_wise": True, "verbose": -1, "n_jobs": threads}
    return kind(**{"n_estimators": 100, **steady, **params})


def _failed(what: str, error: Exception, params: Mapping[str, Any]) -> UserCodeFailed:
    frames = [f for f in traceback.extract_tb(error.__traceback__) if "site-packages" not in f.filename]
    last = frames[-1] if frames else None
    where = f"{last.filename}, line {last.lineno}" if last and "/noria/" not in last.filename else "train"
    shown = f", with {dict(params)}" if params else ""
    text = (str(error).splitlines() or [""])[0][:300]
    do = "Correct the train function or the space, then run the same command again."
    return UserCodeFailed(f"{what} {type(error).__name__}: {text}", where=where + shown, do=do)
