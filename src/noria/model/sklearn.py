"""The fitted Python pipeline itself, for what no converter knows.

Pickle is code: a package is opened only from the artifact store, which gives bytes only under their digest, and a digest
is in the metadata store only if a run of ours made it.
"""

import pickle
from typing import Any

import numpy as np

from noria.model.predictor import Columns, Prediction
from noria.model.signature import Signature, as_frame

FILE = "pipeline.pickle"


def dump(pipeline: Any) -> bytes:
    return pickle.dumps(pipeline, protocol=5)


class Sklearn:
    """Implements ``Predictor``."""

    def __init__(self, data: bytes, signature: Signature) -> None:
        self._pipeline = pickle.loads(data)  # noqa: S301 - see the module's text
        self._signature = signature

    def predict(self, columns: Columns) -> Prediction:
        first = next(iter(columns.values()))
        frame = as_frame({one.name: columns[one.name] for one in self._signature.inputs}, len(first))
        return answer_of(self._pipeline, frame, self._signature)


def answer_of(pipeline: Any, rows: Any, signature: Signature) -> Prediction:
    """What a fitted pipeline answers, with a column for each class also where training saw fewer."""
    if signature.classes is None:
        return Prediction(np.asarray(pipeline.predict(rows), dtype=np.float64).reshape(-1))
    if not hasattr(pipeline, "predict_proba"):
        hard = np.asarray(pipeline.predict(rows)).astype(int)
        return Prediction(np.eye(len(signature.classes))[hard])
    found = np.asarray(pipeline.predict_proba(rows), dtype=np.float64)
    seen = np.asarray(pipeline.classes_).astype(int)
    answer = np.zeros((len(found), len(signature.classes)))
    answer[:, seen] = found
    return Prediction(answer)
