"""Features that alone predict the label almost perfectly: they know what is to be predicted."""

from collections.abc import Iterator

import numpy as np
import polars as pl
from numpy.typing import NDArray

from noria.data.schema import Schema
from noria.data.tally import kind_of
from noria.validate.report import Anomaly

ROWS = 20_000  # looked at
LEAST = 20  # rows of another label than the most frequent, in the half on which it is tried
PERFECT = 0.95  # of the errors that are made without the feature, the share that is not made with it
CELLS = 1000  # of a number's values
DO = "Ask whether it is known before the label is; if it is not, name it in the schema's drop."

Codes = NDArray[np.int64]


def leaks(rows: pl.DataFrame, schema: Schema) -> Iterator[Anomaly]:
    """Features from whose value the label follows, in a classification.

    What is the most frequent label of each value (of a number: of each thousandth of its values) in every other row is
    tried on the rest, so that a value that occurs once predicts nothing.
    """
    rows = rows.head(ROWS)
    if schema.task != "classification" or schema.label not in rows.columns:
        return
    rows = rows.filter(pl.col(schema.label).is_not_null())
    label = _codes(rows[schema.label].cast(pl.String))
    even = np.arange(len(label)) % 2 == 0
    usual = int(np.bincount(label[even]).argmax()) if len(label) > 1 else 0
    wrong = int((label[~even] != usual).sum())
    if wrong < LEAST:
        return
    for name in rows.columns:
        if name in schema.hidden() or kind_of(rows[name].dtype) not in ("number", "category", "bool"):
            continue
        said = _said(_coded(rows[name], even), label, even, usual)
        saved = 1 - int((said != label[~even]).sum()) / wrong
        if saved >= PERFECT:
            yield Anomaly(
                "leakage",
                name,
                f"it alone says the label: {saved:.0%} of the errors made without it vanish",
                DO,
                {"saved": saved, "rows": len(label)},
            )


def _said(feature: Codes, label: Codes, even: NDArray[np.bool_], usual: int) -> Codes:
    """The label that follows from the feature, for each odd row."""
    width = int(label.max()) + 1
    counts = np.bincount(feature[even] * width + label[even], minlength=(int(feature.max()) + 1) * width)
    table = counts.reshape(-1, width)
    best = np.where(table.sum(axis=1) > 0, table.argmax(axis=1), usual)
    found: Codes = best[feature[~even]]
    return found


def _coded(values: pl.Series, even: NDArray[np.bool_]) -> Codes:
    if kind_of(values.dtype) != "number":
        return _codes(values.cast(pl.String))
    numbers = values.cast(pl.Float64).fill_null(np.nan).to_numpy()
    finite = numbers[even & np.isfinite(numbers)]
    if not finite.size:
        return np.zeros(len(numbers), dtype=np.int64)
    edges = np.unique(np.quantile(finite, np.linspace(0, 1, CELLS), method="lower"))
    # An edge is a value that occurs: with 'right', few values have a cell each.
    return np.where(np.isnan(numbers), 0, np.searchsorted(edges, numbers, "right") + 1).astype(np.int64)


def _codes(values: pl.Series) -> Codes:
    """A number for each different value, 0 for none."""
    return values.rank("dense").fill_null(0).to_numpy().astype(np.int64)
