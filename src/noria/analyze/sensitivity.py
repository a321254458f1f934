"""Small changes of the input, large changes of the answer."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from noria.model.format import Predictor
from noria.model.signature import MISSING, Field

MOST_ROWS = 2000
WORST = 3  # rows shown per feature


def per_feature(predictor: Predictor, columns: dict[str, NDArray[Any]], size: float, seed: int) -> list[dict[str, Any]]:
    """What happens when one feature alone is changed a little.

    Numbers move by ``size`` standard deviations, up or down at random; categories and yes-or-no take the value of
    another row; a text gets two neighbouring letters swapped.

    Returns
    -------
    list
        One entry a feature, most flips first: ``flipped`` (share of rows whose label changes; null in a regression),
        ``change`` (mean absolute change of the answer), ``worst`` (positions of the rows that change most).
    """
    random = np.random.default_rng(seed)
    few = {name: values[:MOST_ROWS] for name, values in columns.items()}
    base = predictor.predict(few).scores
    found = []
    for field in predictor.signature.inputs:
        changed = {**few, field.name: _changed(field, few[field.name], size, random)}
        answer = predictor.predict(changed).scores
        apart = np.abs(answer.astype(np.float64) - base)
        apart = apart.max(axis=1) if apart.ndim == 2 else apart
        flipped = None if base.ndim == 1 else float((answer.argmax(axis=1) != base.argmax(axis=1)).mean())
        worst = np.argsort(-apart, kind="stable")[:WORST]
        found.append(
            {
                "feature": field.name,
                "kind": field.kind,
                "flipped": flipped,
                "change": float(apart.mean()),
                "worst": [int(row) for row in worst if apart[row] > 0],
            }
        )
    return sorted(found, key=lambda one: (-(one["flipped"] or 0.0), -one["change"], one["feature"]))


def importance(
    predictor: Predictor, columns: dict[str, NDArray[Any]], y: NDArray[Any], metric: Any, seed: int
) -> list[dict[str, Any]]:
    """How much worse the metric gets when a feature's values are shuffled between the rows, most important first.

    Nothing where the metric is undefined for these rows.
    """
    random = np.random.default_rng(seed)
    few = {name: values[:MOST_ROWS] for name, values in columns.items()}
    truth = y[:MOST_ROWS]
    base = metric.of(truth, predictor.predict(few).scores)
    if not np.isfinite(base):
        return []
    found = []
    for field in predictor.signature.inputs:
        shuffled = {**few, field.name: random.permutation(few[field.name])}
        loss = metric.gain(base, metric.of(truth, predictor.predict(shuffled).scores))
        found.append({"feature": field.name, "loss": float(loss)})
    return sorted(found, key=lambda one: (-one["loss"], one["feature"]))


def _changed(field: Field, values: NDArray[Any], size: float, random: np.random.Generator) -> NDArray[Any]:
    if field.kind == "number":
        known = values[np.isfinite(values)]
        step = size * float(known.std()) if len(known) else 0.0
        return (values + step * random.choice([-1.0, 1.0], len(values))).astype(np.float32)
    if field.kind == "text":
        changed = np.empty(len(values), dtype=object)
        changed[:] = [_typo(str(one), random) for one in values]
        return changed
    return random.permutation(values)


def _typo(text: str, random: np.random.Generator) -> str:
    if len(text) < 2 or text == MISSING:
        return text
    at = int(random.integers(0, len(text) - 1))
    return text[:at] + text[at + 1] + text[at] + text[at + 2 :]
