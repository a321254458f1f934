"""What to do about labels that are out of balance."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

REMEDIES = ("resample", "reweight")


def resample_rows(labels: NDArray[np.int64], seed: int) -> NDArray[np.int64]:
    """Positions of rows such that every label occurs as often as the rarest, in the order of the rows."""
    random = np.random.default_rng(seed)
    values, counts = np.unique(labels, return_counts=True)
    chosen = [random.choice(np.flatnonzero(labels == v), counts.min(), replace=False) for v in values]
    return np.sort(np.concatenate(chosen))


def class_weights(labels: NDArray[Any]) -> NDArray[np.float32]:
    """A weight per row such that every label weighs the same in the loss and the mean weight is 1.

    Of several labels a row (0 and 1, [n, labels]), the mean of the weights that each label alone would give.
    """
    if labels.ndim == 2:
        each = [class_weights(one) for one in labels.T]
        return np.asarray(np.mean(each, axis=0), dtype=np.float32)
    values, inverse, counts = np.unique(labels, return_inverse=True, return_counts=True)
    return (len(labels) / (len(values) * counts))[inverse].astype(np.float32)
