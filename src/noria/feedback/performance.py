"""How good what is live really is: served answers against the labels that came later."""

import json
from typing import Any

import numpy as np
import polars as pl

from noria.data import lists
from noria.stats.interval import wilson
from noria.stats.metrics import all_of


def measure(joined: pl.DataFrame, task: str) -> list[dict[str, Any]]:
    """One entry a version: predictions, labelled, unlabelled share, metrics, accuracy with 95 % interval, mean rating.

    Parameters
    ----------
    joined
        Captured predictions with ``label`` and ``rating`` columns, null where none has come.
    """
    found = []
    for (version,), rows in sorted(joined.group_by("version"), key=lambda item: item[0]):
        labelled = rows.filter(pl.col("label").is_not_null())
        entry: dict[str, Any] = {
            "version": version,
            "predictions": rows.height,
            "labelled": labelled.height,
            "unlabelled": 1 - labelled.height / rows.height,
            "rating": rows["rating"].mean(),
        }
        if labelled.height:
            entry |= _scores(labelled, task)
        found.append(entry)
    return found


def _scores(labelled: pl.DataFrame, task: str) -> dict[str, Any]:
    outputs = [json.loads(text) for text in labelled["outputs"]]
    if task == "regression":
        truth = labelled["label"].cast(pl.Float64, strict=False)  # a text is no label of a number, and is not counted
        finite = truth.is_finite().fill_null(False).to_numpy()
        value = np.array([one["value"] for one in outputs])
        return {"metrics": all_of(task, truth.to_numpy()[finite], value[finite])}
    classes = list(outputs[0]["probabilities"])  # as the model has them: of two, the favourable one is the last
    if task == "multilabel":
        true = [set(parts) for parts in lists.parts(labelled["label"]).to_list()]
        y = np.array([[name in row for name in classes] for row in true], dtype=np.int8)
        return {"metrics": all_of(task, y, np.array([[one["probabilities"][c] for c in classes] for one in outputs]))}
    known = labelled["label"].is_in(classes).to_numpy()
    y = np.array([classes.index(label) for label, ok in zip(labelled["label"], known, strict=True) if ok])
    answer = np.array(
        [[one["probabilities"][c] for c in classes] for one, ok in zip(outputs, known, strict=True) if ok]
    )
    if not len(y):
        return {}
    right = int((answer.argmax(axis=1) == y).sum())
    return {"metrics": all_of(task, y, answer), "accuracy_interval": list(wilson(right, len(y)))}
