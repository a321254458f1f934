"""Preprocess: fitted once on the training split, applied once, kept on disk."""

import pickle
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy import sparse

from noria.data import remedy, split, table
from noria.data.schema import SPLITS
from noria.errors import BadInput, UserCodeFailed
from noria.model.signature import Input, Signature, inputs_of, rows_of
from noria.preprocess import default
from noria.store.attempt import Attempt

FORMAT = 1
USES = {"collect": ("dataset", "batches"), "validate": ("remedy",)}


def run(attempt: Attempt) -> None:
    """Split, fit the transformer on the training rows, transform every split, write arrays."""
    frame = _rows(attempt)
    inputs = inputs_of(frame, attempt.schema.hidden())
    if not inputs:
        raise BadInput("there is no feature column", where="preprocess", do="Name fewer columns in drop.")
    classes, labels = _labels(frame, attempt)
    splits = split.assign(frame, attempt.schema)
    transformer = _make(attempt, inputs)
    kept = {name: np.flatnonzero((splits == name).to_numpy()) for name in SPLITS}
    _check_splits(kept, labels, classes)
    kept["train"], weights = _remedied(attempt, kept["train"], labels)
    for index, name in enumerate(SPLITS):
        attempt.progress(f"transform {name}", index / len(SPLITS))
        rows = frame[kept[name]]
        features = _apply(transformer, rows_of(rows, inputs), name, attempt)
        _save_features(attempt, name, features)
        _save_array(attempt, f"y.{name}.npy", labels[kept[name]])
        _save_array(attempt, f"w.{name}.npy", weights if name == "train" else np.ones(len(rows), np.float32))
        path = attempt.scratch / "rows.parquet"
        rows.write_parquet(path)
        attempt.save_file(f"rows.{name}.parquet", path, "application/vnd.apache.parquet")
    signature = Signature(inputs, attempt.schema.label, classes)
    attempt.save_json("signature.json", signature.to_json())
    attempt.save("preprocessor", pickle.dumps(transformer, protocol=5), "application/x-python-pickle")
    attempt.facts.update(
        rows={name: len(kept[name]) for name in SPLITS},
        columns=[one.name for one in inputs],
        classes=None if classes is None else list(classes),
    )


def _rows(attempt: Attempt) -> pl.DataFrame:
    facts = attempt.inputs["collect"].facts
    frame = table.scan(f"{attempt.settings.data}/{facts['dataset']}", facts["batches"]).collect()
    return frame.filter(pl.col(attempt.schema.label).is_not_null())


def _labels(frame: pl.DataFrame, attempt: Attempt) -> tuple[tuple[str, ...] | None, NDArray[Any]]:
    series = frame[attempt.schema.label]
    if attempt.schema.task == "regression":
        try:
            return None, series.cast(pl.Float32).to_numpy()
        except pl.exceptions.PolarsError as error:
            raise BadInput(
                f"label {series.name!r} has values that are no numbers",
                where="preprocess",
                do='Correct them, or declare task="classification".',
            ) from error
    text = series.cast(pl.String)
    classes = tuple(text.unique().sort().to_list())
    codes = text.replace_strict(list(classes), list(range(len(classes))), return_dtype=pl.Int64)
    return classes, codes.to_numpy()


def _make(attempt: Attempt, inputs: tuple[Input, ...]) -> Any:
    function = attempt.functions.get("preprocess")
    if function is None:
        return default.transformer(inputs)
    try:
        made = function()
    except Exception as error:
        raise UserCodeFailed(
            f"preprocess function {function.__name__} raised {type(error).__name__}: {error}",
            where=_where(error),
            do="Correct it and run the same command again.",
        ) from error
    if not (hasattr(made, "fit") and hasattr(made, "transform")):
        raise UserCodeFailed(
            f"preprocess function {function.__name__} returned {type(made).__name__}, not a transformer",
            where="preprocess",
            do="Return an unfitted object with fit and transform, such as a ColumnTransformer.",
        )
    return made


def _check_splits(kept: dict[str, NDArray[Any]], labels: NDArray[Any], classes: tuple[str, ...] | None) -> None:
    for name, positions in kept.items():
        if len(positions) == 0:
            raise BadInput(
                f"the {name} split has no rows", where="preprocess", do="Collect more rows, or change Schema(shares=...)."
            )
    if classes is not None:
        missing = sorted(set(range(len(classes))) - set(labels[kept["train"]].tolist()))
        if missing:
            raise BadInput(
                f"label {classes[missing[0]]!r} does not occur in the training split",
                where="preprocess",
                do="Collect more rows of it, or leave it out.",
            )


def _remedied(
    attempt: Attempt, train: NDArray[Any], labels: NDArray[Any]
) -> tuple[NDArray[Any], NDArray[np.float32]]:
    chosen = attempt.inputs["validate"].facts["remedy"]
    if chosen == "resample":
        train = train[remedy.resample_rows(labels[train], attempt.seed)]
    if chosen == "reweight":
        return train, remedy.class_weights(labels[train])
    return train, np.ones(len(train), np.float32)


def _apply(transformer: Any, rows: Any, name: str, attempt: Attempt) -> Any:
    try:
        if name == "train":
            transformer.fit(rows)
        features = transformer.transform(rows)
    except Exception as error:
        raise UserCodeFailed(
            f"the transformer raised {type(error).__name__} on the {name} split: {str(error).splitlines()[0]}",
            where=_where(error),
            do="Correct the preprocess function and run the same command again.",
        ) from error
    if features.shape[0] != len(rows):
        raise UserCodeFailed(
            f"the transformer made {features.shape[0]:,} rows of {len(rows):,}",
            where=f"{name} split",
            do="A transformer must keep each row, in its place.",
        )
    if sparse.issparse(features):
        return features.tocsr().astype(np.float32)
    try:
        return np.ascontiguousarray(features, dtype=np.float32)
    except (TypeError, ValueError) as error:
        raise UserCodeFailed(
            f"the transformer gave values that are no numbers: {error}",
            where=f"{name} split",
            do="Encode text columns, for example with OneHotEncoder.",
        ) from error


def _save_features(attempt: Attempt, name: str, features: Any) -> None:
    if sparse.issparse(features):
        path = attempt.scratch / "features.npz"
        sparse.save_npz(path, features, compressed=False)
        attempt.save_file(f"X.{name}.npz", path)
    else:
        _save_array(attempt, f"X.{name}.npy", features)


def _save_array(attempt: Attempt, name: str, values: NDArray[Any]) -> None:
    path = attempt.scratch / "array.npy"
    np.save(path, values)
    attempt.save_file(name, path)


def _where(error: BaseException) -> str:
    """File and line of the innermost frame outside installed packages."""
    place, trace = "preprocess", error.__traceback__
    while trace is not None:
        file = trace.tb_frame.f_code.co_filename
        if "site-packages" not in file and "/noria/" not in file:
            place = f"{file}:{trace.tb_lineno}"
        trace = trace.tb_next
    return place
