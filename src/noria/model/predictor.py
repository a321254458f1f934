"""What every model answers with, and what a loaded model must do."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

Columns = Mapping[str, NDArray[Any]]


@dataclass(frozen=True, slots=True)
class Prediction:
    """``answer`` is probabilities [n, classes] (float64) for classification, values [n] for regression."""

    answer: NDArray[np.float64]


class Predictor(Protocol):
    """A loaded model. Any number of threads may call it at the same time."""

    def predict(self, columns: Columns) -> Prediction:
        """Answer for rows given as one array [n] a column: float64 for numbers, object (text) for categories."""
        ...
