"""Metrics of rows that are weighed: what does not depend on the weights is done once, for hundreds of weighings.

A resampling of rows is a weighing by how often each row was drawn. So every metric here is prepared with truth and
answers, and then takes weights [rounds, rows] and gives one value a round; NaN where it is undefined.
"""

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

Values = NDArray[Any]
Weights = NDArray[np.float64]
Prepared = Callable[[Weights], NDArray[np.float64]]
Ratio = Callable[[Values, Values, Values], Values]  # of true positives, false positives, false negatives
HALF = 0.5  # from this probability on, one of several labels is given


def mean_of(each: Values, w: Weights) -> NDArray[np.float64]:
    """The weighted mean of something that each row has."""
    return over(w @ each, w.sum(axis=1))


def over(a: Values, b: Values) -> Values:
    """a / b; NaN where b is 0."""
    nothing = np.full(np.broadcast_shapes(np.shape(a), np.shape(b)), np.nan)
    return np.asarray(np.divide(a, b, out=nothing, where=b != 0))


def mean_known(values: Values) -> NDArray[np.float64]:
    """Mean over the second axis, leaving out NaN; NaN if nothing is left."""
    known = ~np.isnan(values)
    found: NDArray[np.float64] = over(np.where(known, values, 0).sum(axis=1), known.sum(axis=1))
    return found


class Ranked:
    """Rows by their score, those with the same score together; ``hit`` says which rows are sought."""

    def __init__(self, hit: NDArray[np.bool_], score: Values) -> None:
        self._order = np.argsort(score, kind="stable")
        ordered = score[self._order]
        self._starts = np.flatnonzero(np.append(True, ordered[1:] != ordered[:-1]))
        self._hit = hit[self._order].astype(np.float64)

    def _groups(self, w: Weights) -> tuple[Weights, Weights]:
        """Weight of hits and of misses by score, [rounds, scores], the lowest score first."""
        ordered = w[:, self._order]
        hits = ordered * self._hit
        if len(self._starts) == ordered.shape[1]:
            return hits, ordered - hits
        found = np.add.reduceat(hits, self._starts, axis=1)
        return found, np.add.reduceat(ordered, self._starts, axis=1) - found

    def auc(self, w: Weights) -> NDArray[np.float64]:
        """Area under the ROC curve: how often a hit scores above a miss, ties counted half (Mann and Whitney 1947)."""
        hits, misses = self._groups(w)
        upto = np.cumsum(misses, axis=1)
        above = np.einsum("ij,ij->i", hits, upto - misses / 2)
        found: NDArray[np.float64] = over(above, hits.sum(axis=1) * misses.sum(axis=1))
        return found

    def average_precision(self, w: Weights) -> NDArray[np.float64]:
        """Mean precision at each hit, without interpolation; undefined unless there are hits and misses."""
        hits, misses = (side[:, ::-1] for side in self._groups(w))
        found, seen = np.cumsum(hits, axis=1), np.cumsum(hits + misses, axis=1)
        precision = np.divide(found, seen, out=np.zeros_like(found), where=seen > 0)
        some = hits.sum(axis=1) * (misses.sum(axis=1) > 0)
        value: NDArray[np.float64] = over(np.einsum("ij,ij->i", hits, precision), some)
        return value


def each_class(y: Values, p: Values, ratio: Ratio, *, of_two: bool = True) -> Prepared:
    """A ratio of each class against the rest, and their mean; of two classes, the second one's alone (``of_two``)."""
    classes = p.shape[1]
    cells = y.astype(np.int64) * classes + p.argmax(axis=1)
    wanted = slice(1, 2) if classes == 2 and of_two else slice(None)

    def prepared(w: Weights) -> NDArray[np.float64]:
        square = (len(w), classes, classes)
        table = np.array([np.bincount(cells, one, classes * classes) for one in w]).reshape(square)
        both = np.einsum("rkk->rk", table)
        return mean_known(ratio(both, table.sum(axis=1) - both, table.sum(axis=2) - both)[:, wanted])

    return prepared


def each_label(y: Values, p: Values, ratio: Ratio) -> Prepared:
    """A ratio of each of several labels, and their mean."""
    said, true = p >= HALF, y > 0
    kinds = [(cells).astype(np.float64) for cells in (said & true, said & ~true, ~said & true)]
    return lambda w: mean_known(ratio(*(w @ one for one in kinds)))


def all_labels(y: Values, p: Values, ratio: Ratio) -> Prepared:
    """A ratio over the labels of all rows together."""
    said, true = p >= HALF, y > 0
    kinds = [cells.sum(axis=1).astype(np.float64) for cells in (said & true, said & ~true, ~said & true)]
    return lambda w: ratio(*(w @ one for one in kinds))


def mean_over(parts: list[Prepared]) -> Prepared:
    """The mean of several metrics; those undefined are left out."""
    return lambda w: mean_known(np.column_stack([one(w) for one in parts]))


def row_mean(each: Values) -> Prepared:
    """The mean of something that each row has, such as its loss."""
    return partial(mean_of, each.astype(np.float64))
