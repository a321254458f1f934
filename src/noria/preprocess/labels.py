"""Labels as the numbers that are learned."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from noria.data.schema import Schema
from noria.errors import BadInput


@dataclass(frozen=True, slots=True)
class Labels:
    """``values``: class indices, or float32 numbers for regression; ``classes`` as texts in sorting order, the
    favourable one last if there are two."""

    values: NDArray[Any]
    classes: tuple[str, ...] | None
    positive: str | None


def of(frame: pl.DataFrame, schema: Schema) -> Labels:
    """The label column, encoded.

    Raises
    ------
    BadInput
        If labels are missing, are no numbers in a regression, or the positive label never occurs.
    """
    column = _known(frame[schema.label], schema)
    if schema.task == "regression":
        try:
            values = column.cast(pl.Float32)
        except pl.exceptions.PolarsError as error:
            raise BadInput(
                f"label {schema.label!r} has values that are no numbers",
                where="preprocess",
                do="Correct them, or use Schema(task='classification').",
            ) from error
        return Labels(values.to_numpy(), None, None)
    texts = column.cast(pl.String)
    classes = tuple(_in_order(column))
    positive = _positive(classes, schema)
    if len(classes) == 2:  # of two, the favourable one is the last: that is where metrics look for it
        classes = (*(one for one in classes if one != positive), positive)
    codes = texts.replace_strict(list(classes), list(range(len(classes))), return_dtype=pl.Int64)
    return Labels(codes.to_numpy(), classes, positive)


def _known(column: pl.Series, schema: Schema) -> pl.Series:
    missing = column.null_count() + (int(column.is_nan().sum()) if column.dtype.is_float() else 0)
    if missing:
        raise BadInput(
            f"{missing:,} rows have no label", where=f"column {schema.label}", do="Remove or label those rows."
        )
    return column


def _in_order(column: pl.Series) -> list[str]:
    """Sorted as what they are: 2 before 10 if they are numbers."""
    return column.unique().sort().cast(pl.String).to_list()


def _positive(classes: tuple[str, ...], schema: Schema) -> str:
    if schema.positive is None:
        return classes[-1]
    wanted = str(schema.positive).lower() if isinstance(schema.positive, bool) else str(schema.positive)
    if wanted not in classes:
        raise BadInput(
            f"the positive label {wanted!r} does not occur; there are {', '.join(classes[:10])}",
            where="Schema.positive",
            do="Use a label that occurs.",
        )
    return wanted


def check_splits(splits: dict[str, NDArray[np.int64]], labels: Labels) -> None:
    """Refuse splits that cannot be learned from.

    Raises
    ------
    BadInput
        If a split has no rows or the training split lacks all labels but one.
    """
    for name, rows in splits.items():
        if len(rows) == 0:
            raise BadInput(
                f"the {name} split has no rows", where="preprocess", do="Collect more rows or change Schema.shares."
            )
    if labels.classes is not None and len(np.unique(labels.values[splits["train"]])) < 2:
        raise BadInput(
            f"all training rows have the label {labels.classes[int(labels.values[splits['train']][0])]!r}",
            where="preprocess",
            do="Collect rows with other labels.",
        )
