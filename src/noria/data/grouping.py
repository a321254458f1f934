"""The group of each row by a column: what slices are made of."""

from collections.abc import Sequence

import polars as pl

BINS = 4  # quartiles of a number


def group(series: pl.Series, edges: Sequence[float] | None = None) -> pl.Series:
    """The group of each row, as text: a number's quartile if it has many values, else the value itself.

    Parameters
    ----------
    edges
        Where a number's quartiles are cut; None: at those of these rows.
    """
    if series.dtype.is_numeric() and (edges or series.n_unique() > 2 * BINS):
        cuts = edges or sorted({float(series.quantile(q / BINS) or 0.0) for q in range(1, BINS)})
        return series.cut(list(cuts)).cast(pl.String).fill_null("missing")
    return series.cast(pl.String).fill_null("missing")
