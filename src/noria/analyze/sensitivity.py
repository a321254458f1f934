"""Small changes of the input, large changes of the answer; and what is lost without a feature."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from noria.analyze.changes import changed, kind
from noria.model.format import Prediction, Predictor
from noria.stats.metrics import Metric
from noria.stats.weighing import HALF

MOST_ROWS = 2000
WORST = 3  # rows shown per feature

Values = NDArray[Any]
Inputs = dict[str, Values]


def some(rows: int, seed: int) -> NDArray[np.int64]:
    """Positions of the rows that are looked at: all, or so many drawn without favour."""
    if rows <= MOST_ROWS:
        return np.arange(rows)
    return np.sort(np.random.default_rng(seed).choice(rows, MOST_ROWS, replace=False))


def per_feature(
    predictor: Predictor, columns: Inputs, size: float, seed: int, names: Sequence[str] | None = None
) -> list[dict[str, Any]]:
    """What happens when one feature alone is changed a little (see ``changed``).

    Parameters
    ----------
    names
        What the rows are called; None: their positions.

    Returns
    -------
    list
        One entry a feature, most flips first: ``flipped`` (share of rows whose label changes, of several labels any;
        null in a regression), ``change`` (mean absolute change of the answer), ``worst`` (the rows that change most:
        their name, the value and the answer before and after, and the change).
    """
    random = np.random.default_rng(seed)
    base = predictor.predict(columns)
    found = []
    for field in predictor.signature.inputs:
        after = changed(field, columns[field.name], size, random)
        answer = predictor.predict({**columns, field.name: after})
        apart = _apart(base, answer)
        order = np.argsort(-apart, kind="stable")[:WORST]
        found.append(
            {
                "feature": field.name,
                "kind": kind(field, columns[field.name]),
                "flipped": _flipped(base, answer, several=predictor.signature.several),
                "change": float(apart.mean()),
                "worst": [
                    {
                        "row": str(row) if names is None else names[row],
                        "before": _plain(columns[field.name][row]),
                        "after": _plain(after[row]),
                        "answer": _said(base, row),
                        "becomes": _said(answer, row),
                        "change": float(apart[row]),
                    }
                    for row in map(int, order)
                    if apart[row] > 0
                ],
            }
        )
    return sorted(found, key=lambda one: (-(one["flipped"] or 0.0), -one["change"], one["feature"]))


def importance(predictor: Predictor, columns: Inputs, y: Values, metric: Metric, seed: int) -> list[dict[str, Any]]:
    """How much worse the metric gets when a feature's values are shuffled between the rows, most important first.

    Nothing where the metric is undefined for these rows.
    """
    random = np.random.default_rng(seed)
    base = metric.of(y, predictor.predict(columns).scores)
    if not np.isfinite(base):
        return []
    found = []
    for field in predictor.signature.inputs:
        shuffled = {**columns, field.name: random.permutation(columns[field.name])}
        loss = metric.gain(base, metric.of(y, predictor.predict(shuffled).scores))
        found.append({"feature": field.name, "loss": float(loss)})
    return sorted(found, key=lambda one: (-one["loss"], one["feature"]))


def _apart(a: Prediction, b: Prediction) -> NDArray[np.float64]:
    """By how much each row's answer changed; of several probabilities, the one that changed most."""
    apart = np.abs(a.scores.astype(np.float64) - b.scores)
    found: NDArray[np.float64] = apart.max(axis=1) if apart.ndim == 2 else apart
    return found


def _flipped(a: Prediction, b: Prediction, *, several: bool) -> float | None:
    if a.scores.ndim == 1:
        return None
    if several:
        return float(((a.scores >= HALF) != (b.scores >= HALF)).any(axis=1).mean())
    return float((a.scores.argmax(axis=1) != b.scores.argmax(axis=1)).mean())


def _said(answer: Prediction, row: int) -> str | float:
    return float(answer.scores[row]) if answer.label is None else str(answer.label[row])


def _plain(value: Any) -> Any:
    """A value as JSON holds it."""
    one = value.item() if isinstance(value, np.generic) else value
    return None if one != one else one
