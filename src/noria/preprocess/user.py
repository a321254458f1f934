"""Calling what the user wrote, and saying in one sentence what is wrong with it."""

import traceback
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import scipy.sparse as sp

from noria.errors import UserCodeFailed
from noria.model.ragged import Ragged

AGAIN = "Correct the preprocess function, then run the same command again."


def make(function: Callable[[], Any]) -> Any:
    """The unfitted transformer that the user's function returns.

    Raises
    ------
    UserCodeFailed
        If it raises, or returns something that cannot transform.
    """
    try:
        made = function()
    except Exception as error:
        raise _failed(f"{function.__name__} raised", error) from error
    if isinstance(made, type) or not (hasattr(made, "fit") and hasattr(made, "transform")):
        kind = made.__name__ if isinstance(made, type) else type(made).__name__
        raise UserCodeFailed(
            f"{function.__name__} returned {kind}, which is no unfitted transformer",
            where="preprocess",
            do="Return an object with fit and transform, such as ColumnTransformer(...).",
        )
    return made


def fit(transformer: Any, frame: pd.DataFrame) -> None:
    """Fit on the training rows."""
    try:
        transformer.fit(frame)
    except Exception as error:
        raise _failed("fitting the transformer raised", error) from error


def transform(transformer: Any, frame: pd.DataFrame, split: str) -> Any:
    """Features of one split, float32: dense rows, CSR or ``Ragged``.

    Raises
    ------
    UserCodeFailed
        If it raises, changes the number of rows, or gives something else than numbers.
    """
    try:
        found = transformer.transform(frame)
    except Exception as error:
        raise _failed(f"transforming the {split} rows raised", error) from error
    values = found if sp.issparse(found) or isinstance(found, Ragged) else np.asarray(found)
    if values.ndim == 1:
        values = values.reshape(-1, 1)
    if values.shape[0] != len(frame):
        raise UserCodeFailed(
            f"the transformer made {values.shape[0]:,} rows of {len(frame):,}",
            where=f"{split} split",
            do="A transformer must keep the number and the order of rows.",
        )
    if values.dtype.kind not in "fiub":
        raise UserCodeFailed(
            f"the transformer gives {values.dtype} values, not numbers",
            where=f"{split} split",
            do="Encode text columns, for example with OneHotEncoder.",
        )
    return _float32(values, split)


def keeps_order(transformer: Any, frame: pd.DataFrame, features: Any) -> None:
    """See that a row's features do not depend on its neighbours: the first rows, backwards, give them backwards."""
    few = min(len(frame), 50)
    again = transform(transformer, frame.iloc[:few][::-1], "train")
    want = _dense(features[:few])[::-1]
    if not np.allclose(_dense(again), want, rtol=1e-3, atol=1e-4, equal_nan=True):
        raise UserCodeFailed(
            "the transformer changes the order of rows, or a row's features depend on other rows",
            where="train split",
            do="A transformer must treat each row by itself once it is fitted.",
        )


def _dense(values: Any) -> Any:
    return values.toarray() if sp.issparse(values) else np.asarray(values)


def _float32(values: Any, split: str) -> Any:
    if sp.issparse(values):
        return values.tocsr().astype(np.float32)
    if isinstance(values, Ragged):
        return Ragged(_finite(values.values.astype(np.float32), split), values.offsets, values.widths)
    return _finite(np.ascontiguousarray(values, dtype=np.float32), split)


def _finite(values: Any, split: str) -> Any:
    if np.isinf(values).any():
        raise UserCodeFailed(
            "the transformer gives infinite values", where=f"{split} split", do="Clip or drop such numbers first."
        )
    return values


def _failed(what: str, error: Exception) -> UserCodeFailed:
    frames = [f for f in traceback.extract_tb(error.__traceback__) if "site-packages" not in f.filename]
    last = frames[-1] if frames else None
    where = f"{last.filename}, line {last.lineno}" if last and "/noria/" not in last.filename else "preprocess"
    text = (str(error).splitlines() or [""])[0][:300]
    return UserCodeFailed(f"{what} {type(error).__name__}: {text}", where=where, do=AGAIN)
