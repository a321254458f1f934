"""The transformer of a lifecycle that declares none."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from sklearn.compose import ColumnTransformer
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.impute import SimpleImputer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from noria.model.signature import Field
from noria.preprocess.config import Preprocess
from noria.preprocess.lists import MultiHot


def transformer(fields: Sequence[Field], train: pd.DataFrame, options: Preprocess) -> Any:
    """Numbers: median for missing ones, then scaled. Categories: one-hot. Lists: one feature a value. Texts: weighted
    words. Unfitted.

    Parameters
    ----------
    train
        The training rows: they decide which categories are frequent enough for a feature. The encoder's own
        ``min_frequency`` would do the same, but has no ONNX.
    """
    numbers = [f.name for f in fields if f.numeric]
    categories = [f.name for f in fields if f.kind == "category"]
    frequent = [_frequent(train[name], options.min_frequency) for name in categories]
    parts: list[tuple[str, Any, Any]] = []
    if numbers:
        scaled = make_pipeline(SimpleImputer(strategy="median", keep_empty_features=True), StandardScaler())
        parts.append(("numbers", scaled, numbers))
    if categories:
        encoder = OneHotEncoder(categories=frequent, handle_unknown="ignore", sparse_output=False, dtype=np.float32)
        parts.append(("categories", encoder, categories))
    lists = [f.name for f in fields if f.kind == "list"]
    if lists:
        parts.append(("lists", MultiHot(max_size=options.words), lists))
    for field in fields:
        if field.kind == "text":
            parts.append((f"words of {field.name}", TfidfVectorizer(max_features=options.words), field.name))
    return ColumnTransformer(parts, sparse_threshold=0.0, verbose_feature_names_out=False)


def _frequent(column: pd.Series, least: int) -> Any:
    counts = column.value_counts()
    kept = sorted(counts.index[counts >= least])
    return np.array(kept or sorted(counts.index)[:1], dtype=object)
