"""Learning from mini-batches of rows that stay on disk: what is in memory is one batch, not the data."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
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
    """Fit a LightGBM estimator whose bins are made from chunks of dense rows; the features are never in memory."""
    import lightgbm

    params, labels = _noted(estimator, data)
    params["bin_construct_sample_cnt"] = SAMPLE
    made = lightgbm.Dataset(_chunks_of(data.X, rows), label=labels, weight=data.weights, params=params)
    return _grown(estimator, made, params, callbacks)


def boosted_together(estimator: Any, data: Part, mine: NDArray[np.int64], network: Mapping[str, Any]) -> Any:
    """Fit a LightGBM estimator on some of the rows, in a network of processes that have the others.

    LightGBM's processes would each find bins from their own rows. Here each looks at the rows from which a single
    process finds its bins, at most 200,000 of them, so that all have the bins that it would have, and so the splits.

    Parameters
    ----------
    network
        LightGBM's parameters of its data-parallel learner.
    """
    import lightgbm

    params, labels = _noted(estimator, data)
    params["pre_partition"] = True  # no process is given rows of another
    sampled = lightgbm.Dataset(None, params=params)._create_sample_indices(total_nrow=len(labels))
    bins = lightgbm.Dataset(arrays.whole(data.X[sampled]), label=labels[sampled], params=params).construct()
    weights = None if data.weights is None else data.weights[mine]
    part = arrays.whole(data.X[mine])
    made = lightgbm.Dataset(part, label=labels[mine], weight=weights, reference=bins, params=params)
    return _grown(estimator, made.construct(), {**params, **network}, [])


def _noted(estimator: Any, data: Part) -> tuple[dict[str, Any], NDArray[Any]]:
    """LightGBM's own parameters, and the labels as it learns them.

    The estimator's ``fit`` takes whole arrays only. It is fitted on a few rows, for all that it notes about classes and
    columns, and gets the booster that was made otherwise afterwards.
    """
    few = _few(data)
    estimator.fit(arrays.whole(data.X[few]), np.asarray(data.y[few]))
    labels = np.asarray(data.y)
    if hasattr(estimator, "classes_"):
        labels = np.searchsorted(estimator.classes_, labels)
    return estimator._process_params(stage="fit"), labels


def _grown(estimator: Any, made: Any, params: dict[str, Any], callbacks: list[Any]) -> Any:
    import lightgbm

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
