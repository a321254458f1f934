"""The transformer of a lifecycle that declares none."""

from collections.abc import Sequence
from typing import Any

from sklearn.compose import ColumnTransformer
from sklearn.impute import SimpleImputer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from noria.model.signature import Input


def transformer(inputs: Sequence[Input]) -> Any:
    """Numbers: median for missing ones, then scaled. Categories: one-hot, unseen values as none."""
    numbers = [one.name for one in inputs if one.kind == "number"]
    categories = [one.name for one in inputs if one.kind == "category"]
    return ColumnTransformer(
        [
            ("numbers", make_pipeline(SimpleImputer(strategy="median"), StandardScaler()), numbers),
            ("categories", OneHotEncoder(handle_unknown="ignore", sparse_output=False), categories),
        ],
        sparse_threshold=0.0,
    )
