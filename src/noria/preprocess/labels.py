"""Labels as the numbers that are learned."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from noria.data import lists
from noria.data.lists import SEPARATOR
from noria.data.schema import Schema
from noria.errors import BadInput
from noria.model.signature import spelled
from noria.preprocess.lists import MultiHot


@dataclass(frozen=True, slots=True)
class Labels:
    """``values``: class indices [n]; or int8 [n, classes], 1 where a row has the label; or float32 numbers for
    regression. ``classes`` as texts in sorting order, the favourable one last if there are two. ``unlearned``: labels
    that no training row has, and that are therefore no classes."""

    values: NDArray[Any]
    classes: tuple[str, ...] | None
    positive: str | None
    unlearned: tuple[str, ...] = ()


def of(frame: pl.DataFrame, schema: Schema, train: NDArray[np.int64] | None = None) -> Labels:
    """The label column, encoded.

    Parameters
    ----------
    train
        Positions of the training rows, None for all: of several labels a row, those that occur there are learned.

    Raises
    ------
    BadInput
        If labels are missing, are no numbers in a regression, are several a row in a classification, or the positive
        label never occurs.
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
    if schema.task == "multilabel":
        return _several(texts, np.arange(len(texts)) if train is None else train)
    classes = tuple(_in_order(column))
    _no_lists(column, schema)
    positive = _positive(classes, schema)
    if len(classes) == 2:  # of two, the favourable one is the last: that is where metrics look for it
        classes = (*(one for one in classes if one != positive), positive)
    codes = texts.replace_strict(list(classes), list(range(len(classes))), return_dtype=pl.Int64)
    return Labels(codes.to_numpy(), classes, positive)


def _several(texts: pl.Series, train: NDArray[np.int64]) -> Labels:
    if not texts.str.contains(SEPARATOR, literal=True).any():
        raise BadInput(
            f"no row has more than one label in column {texts.name!r}",
            where="preprocess",
            do=f"Give lists, or texts with {SEPARATOR!r} between labels; or write Schema(task='classification').",
        )
    cells = texts.to_numpy().astype(object).reshape(-1, 1)
    everywhere = MultiHot(SEPARATOR).fit(cells).values_[0]
    if not lists.parts(texts[train]).list.len().sum():
        raise BadInput("no training row has a label", where=f"column {texts.name}", do="Collect more rows.")
    encoder = MultiHot(SEPARATOR).fit(cells[train])
    classes = tuple(encoder.values_[0])
    unlearned = tuple(one for one in everywhere if one not in set(classes))
    return Labels(encoder.transform(cells).astype(np.int8), classes, None, unlearned)


def _no_lists(column: pl.Series, schema: Schema) -> None:
    if column.dtype != pl.String:
        return
    found = column.filter(column.str.contains(rf"\w\s*\{SEPARATOR}\s*\w"))
    if len(found):
        raise BadInput(
            f"some rows have several labels, such as {found[0]!r}",
            where=f"column {schema.label}",
            do="Write Schema(..., task='multilabel').",
        )


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
    wanted = spelled(schema.positive)
    if wanted not in classes:
        raise BadInput(
            f"the positive label {wanted!r} does not occur; there are {', '.join(classes[:10])}",
            where="Schema.positive",
            do="Use a label that occurs.",
        )
    return wanted


def not_empty(splits: dict[str, NDArray[np.int64]]) -> None:
    """Raise ``BadInput`` if a split has no rows."""
    for name, rows in splits.items():
        if len(rows) == 0:
            raise BadInput(
                f"the {name} split has no rows", where="preprocess", do="Collect more rows or change Schema.shares."
            )


def learnable(labels: Labels, rows: NDArray[np.int64]) -> None:
    """Raise ``BadInput`` if all training rows have the same label, or one of several labels is in all of them."""
    if labels.classes is None:
        return
    train = labels.values[rows]
    if train.ndim == 2:
        same = [name for name, share in zip(labels.classes, train.mean(axis=0), strict=True) if share == 1]
    else:
        same = [labels.classes[int(train[0])]] if len(np.unique(train)) < 2 else []
    if same:
        raise BadInput(
            f"all training rows have the label {same[0]!r}",
            where="preprocess",
            do="Collect rows without it, or leave it out.",
        )
