"""Whether two tables of counts may come from the same distribution."""

from collections.abc import Mapping
from functools import cache
from typing import Any

import numpy as np

EXPECTED = 5.0  # rows that a cell must be expected to have for the test to hold (Cochran 1954); rarer ones are pooled


def same_shares(a: Mapping[Any, int], b: Mapping[Any, int]) -> float:
    """Probability of counts at least so different if both come from one distribution (Pearson's chi-square test).

    Cells so rare that fewer than 5 rows are expected in them on either side are counted together.

    Examples
    --------
    >>> same_shares({"no": 50, "yes": 50}, {"no": 50, "yes": 50})
    1.0
    """
    keys = sorted(a.keys() | b.keys(), key=str)
    table = np.array([[side.get(key, 0) for key in keys] for side in (a, b)], dtype=np.float64).reshape(2, -1)
    rows = table.sum(axis=1)
    if not rows.all():
        return 1.0
    rare = table.sum(axis=0) * rows.min() / rows.sum() < EXPECTED
    cells = np.column_stack([table[:, ~rare], table[:, rare].sum(axis=1)])
    cells = cells[:, cells.sum(axis=0) > 0]
    if cells.shape[1] < 2:
        return 1.0
    expected = np.outer(rows, cells.sum(axis=0)) / rows.sum()
    statistic = float((np.square(cells - expected) / expected).sum())
    return float(_chi_square()(cells.shape[1] - 1, statistic))


@cache
def _chi_square() -> Any:
    """Imported when it is needed: it is a fifth of a second."""
    from scipy.special import chdtrc

    return chdtrc


def more_often(rows: int, of: int, share: float) -> float:
    """Probability of at least ``rows`` of ``of`` where each has the chance ``share`` (binomial)."""
    from scipy.special import bdtrc

    return 1.0 if rows == 0 else float(bdtrc(rows - 1, of, min(1.0, share)))
