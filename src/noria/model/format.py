"""What a model format must do, and the table of those there are."""

from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from noria.model import several
from noria.model.signature import Columns, Signature


@dataclass(frozen=True, slots=True)
class Prediction:
    """Answers for some rows.

    label
        The predicted label of each row, as it stands in the data; None for regression. Of several labels a row, one
        text such as ``red|blue``.
    probability
        One column a class; None for regression. Of several labels a row, each has its own: they do not add up to 1.
    value
        Predicted numbers; None for classification.
    """

    label: NDArray[Any] | None = None
    probability: NDArray[np.float32] | None = None
    value: NDArray[np.float32] | None = None

    @property
    def scores(self) -> NDArray[np.float32]:
        """What metrics are made from: probabilities or values."""
        found = self.probability if self.probability is not None else self.value
        assert found is not None
        return found


class Predictor(Protocol):
    """A loaded model.

    - It takes one array a raw column, one element a row, missing values included (NaN, None).
    - The answer to a row does not depend on the rows beside it, within the last digits of float32.
    - Any number of threads may call it at the same time.
    - A column that is absent or of the wrong kind raises ``BadInput``.
    """

    signature: Signature

    def predict(self, columns: Columns) -> Prediction: ...


class Format(Protocol):
    """How one kind of model is written to and read from the files of a package."""

    def load(self, files: Mapping[str, bytes], signature: Signature, *, trusted: bool) -> Predictor:
        """The model; ``trusted``: the bytes have the digest the metadata store gives, so a pickle may be read."""
        ...


FORMATS = {  # kind: module, loaded when first used
    "onnx": "noria.model.onnx",
    "sklearn": "noria.model.sklearn",
    "lightgbm": "noria.model.lightgbm",
    "xgboost": "noria.model.xgboost",
    "torch": "noria.model.torch",
}


def format_of(kind: str) -> Format:
    """The format of that kind; ``KeyError`` if there is none."""
    found: Format = import_module(FORMATS[kind]).FORMAT
    return found


def answer(scores: NDArray[Any], signature: Signature, columns: NDArray[np.intp] | None = None) -> Prediction:
    """Scores of a model as a prediction.

    Parameters
    ----------
    columns
        For each column of the scores, the class it belongs to; None: they are in order and complete. A model that never
        saw a class in training has no column for it.
    """
    if signature.classes is None:
        return Prediction(value=scores.reshape(-1).astype(np.float32))
    probability = scores.astype(np.float32, copy=False)
    if signature.several:
        return Prediction(label=several.given(probability, signature.classes), probability=probability)
    if columns is not None and (len(columns) != len(signature.classes) or (np.diff(columns) != 1).any()):
        wide = np.zeros((len(scores), len(signature.classes)), dtype=np.float32)
        wide[:, columns] = probability
        probability = wide
    return Prediction(label=labels_of(signature)[probability.argmax(axis=1)], probability=probability)


def labels_of(signature: Signature) -> NDArray[Any]:
    """The classes as an array that holds them unchanged."""
    found = np.empty(len(signature.classes or ()), dtype=object)
    found[:] = list(signature.classes or ())
    return found
