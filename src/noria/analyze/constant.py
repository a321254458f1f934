"""Subsets that are nearly always given one label though their truth differs."""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from noria.analyze.cells import Cells, Grouping
from noria.stats.interval import wilson

NEARLY = 0.98
TRUTH = 0.10

Codes = NDArray[np.integer[Any]] | NDArray[np.bool_]


def dominated(
    cells: Cells, columns: Sequence[str], y: Codes, given: Codes, labels: Sequence[str], smallest: int
) -> list[dict[str, Any]]:
    """Subsets where one label is given to more than 98 % of the rows, while more than 10 % surely have another.

    Parameters
    ----------
    y, given
        Places in ``labels`` of what is true and of what is given, [n].
    """
    return [{"column": name, **found} for name in columns for found in _of(cells.by(name), y, given, labels, smallest)]


def _of(by: Grouping, y: Codes, given: Codes, labels: Sequence[str], smallest: int) -> Iterator[dict[str, Any]]:
    shape = (len(by.names), len(labels))
    place = by.codes * len(labels)
    said = np.bincount(place + given, minlength=shape[0] * shape[1]).reshape(shape)
    true = np.bincount(place + y, minlength=shape[0] * shape[1]).reshape(shape)
    rows = said.sum(axis=1)
    for at in np.flatnonzero((rows >= smallest) & (said.max(axis=1) > NEARLY * rows)):
        top, count = int(said[at].argmax()), int(rows[at])
        other = count - int(true[at, top])
        if wilson(other, count)[0] > TRUTH:
            share = float(said[at, top] / count)
            yield {
                "group": by.names[at],
                "rows": count,
                "label": labels[top],
                "given": share,
                "truth": 1 - other / count,
            }
