"""Small changes of the input, large changes of the answer."""

from typing import Any

import numpy as np
import pandas as pd

from noria.model.predictor import Predictor
from noria.model.signature import Signature

MOST_ROWS = 2000


def per_feature(
    predictor: Predictor, rows: pd.DataFrame, signature: Signature, size: float, seed: int
) -> list[dict[str, Any]]:
    """For each feature: share of flipped labels and mean change of the answer when it alone is changed a little.

    Numbers move by ``size`` standard deviations, up or down at random; categories take the value of another row.

    Returns
    -------
    list
        One entry a feature, most sensitive first: feature, flipped (share of rows), change (mean absolute).
    """
    random = np.random.default_rng(seed)
    rows = rows.iloc[:MOST_ROWS].reset_index(drop=True)
    columns = {one.name: rows[one.name].to_numpy() for one in signature.inputs}
    base = predictor.predict(columns).answer
    found = []
    for one in signature.inputs:
        changed = dict(columns)
        if one.kind == "number":
            values = columns[one.name].astype(float)
            step = size * float(np.nanstd(values))
            changed[one.name] = values + step * random.choice([-1.0, 1.0], len(values))
        else:
            changed[one.name] = random.permutation(columns[one.name])
        answer = predictor.predict(changed).answer
        flipped = float(np.mean(answer.argmax(axis=1) != base.argmax(axis=1))) if answer.ndim == 2 else 0.0
        found.append({"feature": one.name, "kind": one.kind, "flipped": flipped, "change": float(np.abs(answer - base).mean())})
    return sorted(found, key=lambda entry: (-entry["change"], entry["feature"]))
