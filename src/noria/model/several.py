"""Models that give a row any number of labels: one probability for each, however a library hands them out."""

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

HALF = 0.5  # from this probability on, a label is given
BETWEEN = "|"


def scores(estimator: Any, features: Any) -> NDArray[Any]:
    """Probabilities [n, labels] of a fitted estimator, or its 0 and 1 where it gives none."""
    if hasattr(estimator, "predict_proba"):
        return stacked(estimator.predict_proba(features), getattr(estimator, "classes_", None))
    answers = estimator.predict(features)
    return np.asarray(answers.toarray() if sp.issparse(answers) else answers)


def stacked(found: Any, seen: Sequence[Any] | None = None) -> NDArray[Any]:
    """One column a label: of [n, labels] as it is, of one [n, 2] for each label the second column.

    Parameters
    ----------
    seen
        For each label, which of 0 and 1 its columns stand for; None: both.
    """
    if not isinstance(found, list) and np.ndim(found) == 2:
        return np.asarray(found)
    kinds = [np.array([0, 1])] * len(found) if seen is None else seen
    return np.column_stack([_of_one(each, np.asarray(kind)) for each, kind in zip(found, kinds, strict=True)])


def _of_one(found: NDArray[Any], kinds: NDArray[Any]) -> NDArray[Any]:
    """The probability of having the label, by a model that may never have seen a row with it, or without."""
    place = np.flatnonzero(kinds == 1)
    return np.asarray(found[:, place[0]]) if len(place) else np.zeros(len(found), dtype=np.asarray(found).dtype)


def names(probabilities: Iterable[float], classes: Sequence[Any]) -> list[str]:
    """The labels of one row."""
    return [str(name) for name, one in zip(classes, probabilities, strict=True) if one >= HALF]


def given(probability: NDArray[Any], classes: Sequence[Any]) -> NDArray[Any]:
    """The labels of each row as one text, such as ``red|blue``; empty for a row without any."""
    found = np.empty(len(probability), dtype=object)
    found[:] = [BETWEEN.join(names(row, classes)) for row in probability.tolist()]
    return found
