"""Learning from mini-batches of rows that stay on disk: what is in memory is one batch, not the data."""

from typing import Any

import numpy as np
from sklearn.base import is_classifier

from noria.model.sklearn import class_columns, scores
from noria.train import arrays
from noria.train.arrays import Part
from noria.train.watch import Watch

FEW, SAMPLE = 100, 50_000  # rows that LightGBM learns the columns from, and those it finds bins by


def partial(estimator: Any, data: Part, rows: int, epochs: int, watch: Watch | None = None) -> Any:
    """Fit an estimator by its ``partial_fit``, batch after batch in the order of the rows, ``epochs`` times."""
    weights = data.weights
    classes = {"classes": np.unique(data.y)} if is_classifier(estimator) else {}
    for epoch in range(epochs):
        for part in arrays.chunks(len(data.y), rows):
            extra = classes if epoch == 0 and part.start == 0 else {}
            if weights is not None:
                extra = {**extra, "sample_weight": weights[part]}
            estimator.partial_fit(arrays.whole(data.X[part]), np.asarray(data.y[part]), **extra)
        if watch is not None:
            watch.scores(scores(estimator, arrays.whole(watch.validation.X)), class_columns(estimator), epoch + 1)
    return estimator


def boosted(estimator: Any, data: Part, rows: int, callbacks: list[Any]) -> Any:
    """Fit a LightGBM estimator whose bins are made from chunks of dense rows; the features are never in memory.

    Its own ``fit`` takes whole arrays only. It is fitted on a few rows, for all that it notes about classes and
    columns, and then gets the booster that was made from chunks.
    """
    import lightgbm

    few = _few(data)
    estimator.fit(arrays.whole(data.X[few]), np.asarray(data.y[few]))
    labels = np.asarray(data.y)
    if hasattr(estimator, "classes_"):
        labels = np.searchsorted(estimator.classes_, labels)
    params = {**estimator._process_params(stage="fit"), "bin_construct_sample_cnt": SAMPLE}
    made = lightgbm.Dataset(_chunks_of(data.X, rows), label=labels, weight=data.weights, params=params)
    estimator._Booster = lightgbm.train(params, made, estimator.n_estimators, callbacks=callbacks)
    estimator._Booster.free_dataset()
    return estimator


def _few(data: Part) -> Any:
    """Rows that hold every class, in order."""
    first = np.unique(data.y, return_index=True)[1].tolist() if data.y.dtype.kind == "i" else []
    return np.unique([*range(min(FEW, len(data.y))), *first])


def _chunks_of(X: Any, rows: int) -> Any:
    import lightgbm

    class Rows(lightgbm.Sequence):
        batch_size = rows

        def __len__(self) -> int:
            return int(X.shape[0])

        def __getitem__(self, which: Any) -> Any:
            return np.asarray(X[which], dtype=np.float64)

    return Rows()
