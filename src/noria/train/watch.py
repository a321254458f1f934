"""A model is judged while it learns, so that a trial which is not promising can end."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from noria.model.format import answer
from noria.model.signature import Signature
from noria.stats.metrics import METRICS
from noria.train.arrays import Part, whole
from noria.train.trial import RunningTrial

REPORTS = 20  # of a boosted model: each costs a prediction of the validation split


@dataclass(frozen=True, slots=True)
class Watch:
    """The metric on the validation split, reported to the trial; ``optuna.TrialPruned`` if it shall end."""

    trial: RunningTrial
    validation: Part
    signature: Signature
    metric: str

    def scores(self, found: NDArray[Any], seen: NDArray[np.intp] | None, step: int) -> None:
        """What a model says to the validation rows after a step; ``seen`` as in ``noria.model.format.answer``."""
        scores = answer(found, self.signature, seen).scores
        self.trial.check(METRICS[self.metric].of(np.asarray(self.validation.y), scores), step)


def lightgbm_callback(watch: Watch, trees: int, seen: NDArray[np.intp] | None) -> Callable[[Any], None]:
    """Reports of a booster that grows; a plain number a row is the probability of the second of two classes."""
    every, rows = max(1, trees // REPORTS), whole(watch.validation.X)

    def report(env: Any) -> None:
        if (env.iteration + 1) % every == 0:
            watch.scores(_columns(env.model.predict(rows), seen), seen, env.iteration + 1)

    return report


def xgboost_callback(watch: Watch, trees: int, seen: NDArray[np.intp] | None) -> Any:
    """Likewise for XGBoost."""
    import xgboost

    every, rows = max(1, trees // REPORTS), whole(watch.validation.X)

    class Report(xgboost.callback.TrainingCallback):
        def after_iteration(self, model: Any, epoch: int, evals_log: Any) -> bool:
            if (epoch + 1) % every == 0:
                watch.scores(_columns(model.inplace_predict(rows), seen), seen, epoch + 1)
            return False

    return Report()


def _columns(found: NDArray[Any], seen: NDArray[np.intp] | None) -> NDArray[Any]:
    two = seen is not None and found.ndim == 1
    return np.column_stack([1 - found, found]) if two else found
