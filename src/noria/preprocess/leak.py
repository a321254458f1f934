"""A feature that is the label in another form."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from noria.errors import UserCodeFailed

LEAST = 10  # rows of a class, or of a regression, from which it is no chance that a feature tells the label of all
FEW = 500  # rows that are looked at before all are


def check(features: Any, labels: NDArray[Any], names: Sequence[str], *, classes: bool) -> None:
    """Refuse features of which a single one tells the label of every row and nothing else.

    With classes, such a feature has one value for all rows of a class, and not the same one for all classes; in a
    regression it rises, or falls, with the label throughout.

    Parameters
    ----------
    features
        Training rows [n, m], float32, dense or CSR.
    labels
        Class indices or values [n]; or, of several labels a row, 0 and 1 [n, labels].

    Raises
    ------
    UserCodeFailed
        If there is such a feature: nobody will know it when the model is asked.
    """
    if labels.ndim == 2:
        found = [place for one in labels.T for place in _by_class(features, one)]
    else:
        found = [*(_by_class(features, labels) if classes else _by_value(features, labels))]
    if len(found):
        raise UserCodeFailed(
            f"feature {names[found[0]]!r} tells the label of every training row: it is the label in another form",
            where="preprocess",
            do="Name the column it is made from in Schema(drop=[...]), or leave it out of the preprocess function.",
        )


def _by_class(features: Any, labels: NDArray[Any]) -> Sequence[int]:
    kinds, counts = np.unique(labels, return_counts=True)
    if (counts >= LEAST).sum() < 2:
        return ()
    same = np.ones(features.shape[1], dtype=bool)
    values = []
    for kind in kinds:
        low, high = _bounds(features[np.flatnonzero(labels == kind)])
        same &= low == high
        values.append(low)
    large = np.stack(values)[counts >= LEAST]  # a feature of one rare class may be so by chance
    return [int(place) for place in np.flatnonzero(same & (large != large[0]).any(axis=0))]


def _bounds(rows: Any) -> tuple[NDArray[Any], NDArray[Any]]:
    if sp.issparse(rows):
        return rows.min(axis=0).toarray()[0], rows.max(axis=0).toarray()[0]
    return rows.min(axis=0), rows.max(axis=0)


def _by_value(features: Any, labels: NDArray[Any]) -> Sequence[int]:
    few = features[:FEW].toarray() if sp.issparse(features) else features[:FEW]
    if len(np.unique(labels[:FEW])) < LEAST:
        return ()
    likely = [place for place in range(few.shape[1]) if _goes_with(few[:, place], labels[:FEW])]
    return [place for place in likely if _goes_with(_column(features, place), labels)]


def _column(features: Any, place: int) -> NDArray[Any]:
    return features[:, [place]].toarray().ravel() if sp.issparse(features) else np.asarray(features[:, place])


def _goes_with(values: NDArray[Any], labels: NDArray[Any]) -> bool:
    order = np.argsort(labels, kind="stable")
    up, step = np.diff(labels[order]) > 0, np.diff(values[order])
    level = bool((step[~up] == 0).all())
    return level and bool((step[up] > 0).all() or (step[up] < 0).all())
