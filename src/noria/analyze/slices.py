"""Metrics per subset: those the user names, and bad ones that are found."""

from collections.abc import Iterator, Sequence
from itertools import combinations
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from noria.errors import BadLifecycle
from noria.stats.compare import discoveries, two_shares
from noria.stats.interval import wilson
from noria.stats.metrics import METRICS, all_of

MOST = 50  # values of one column that get a row each
BINS = 4  # quartiles of a number
FOUND = 20  # bad slices that are kept


def group(series: pl.Series) -> pl.Series:
    """The group of each row, as text: a number's quartile if it has many values, else the value itself."""
    if series.dtype.is_numeric() and series.n_unique() > 2 * BINS:
        edges = sorted({float(series.quantile(q / BINS) or 0.0) for q in range(1, BINS)})
        return series.cut(edges).cast(pl.String).fill_null("missing")
    return series.cast(pl.String).fill_null("missing")


def groups(rows: pl.DataFrame, name: str) -> pl.Series:
    """The group of each row by a column, or by several: ``"sex & race"``.

    Raises
    ------
    BadLifecycle
        If there is no such column.
    """
    parts = [part.strip() for part in name.split("&")]
    for part in parts:
        if part not in rows.columns:
            raise BadLifecycle(
                f"there is no column {part!r} to slice by", where="analyze", do=f"There are {', '.join(rows.columns)}."
            )
    each = [group(rows[part]).alias(part) for part in parts]
    return pl.DataFrame(each).select(pl.concat_str(parts, separator=" & ").alias(name)).to_series()


def masks(rows: pl.DataFrame, columns: Sequence[str]) -> Iterator[tuple[str, str, NDArray[np.bool_]]]:
    """Column, group and row mask of each subset."""
    for name in columns:
        found = groups(rows, name)
        for value in found.unique().sort().head(MOST):
            yield name, str(value), (found == value).to_numpy()


def table(
    rows: pl.DataFrame, columns: Sequence[str], y: NDArray[Any], answer: NDArray[Any], task: str, smallest: int
) -> list[dict[str, Any]]:
    """One entry a subset: column, group, rows, whether it is large enough to be judged, metrics, accuracy interval."""
    found = []
    for name, value, mask in masks(rows, columns):
        entry: dict[str, Any] = {"column": name, "group": value, "rows": int(mask.sum())}
        entry["judged"] = entry["rows"] >= smallest
        entry["metrics"] = all_of(task, y[mask], answer[mask])
        if task == "classification":
            right = int((answer[mask].argmax(axis=1) == y[mask]).sum())
            entry["accuracy_interval"] = list(wilson(right, entry["rows"]))
        found.append(entry)
    return found


def search(rows: pl.DataFrame, columns: Sequence[str], wrong: NDArray[np.bool_], smallest: int) -> list[dict[str, Any]]:
    """Subsets by one and two columns in which far more answers are wrong than elsewhere, beyond chance.

    Parameters
    ----------
    wrong
        Per row: the answer is wrong (or, in a regression, among the worst tenth).

    Returns
    -------
    list
        Worst first. Of those listed at most one in twenty is by chance (Benjamini-Hochberg over the whole search).
    """
    codes = {name: _codes(rows, name) for name in columns}
    tried: list[tuple[str, str, int, int]] = []
    for names in [*((name,) for name in columns), *combinations(columns, 2)]:
        tried += _counted(names, codes, wrong, smallest)
    total, all_wrong = len(wrong), int(wrong.sum())
    p = np.array([two_shares(bad, count, all_wrong - bad, total - count) for _, _, count, bad in tried])
    kept = [
        {
            "column": name,
            "group": value,
            "rows": count,
            "wrong": bad / count,
            "elsewhere": _rest(bad, count, wrong),
            "p": float(pv),
        }
        for (name, value, count, bad), pv, true in zip(tried, p, discoveries(p), strict=True)
        if true and bad / count > _rest(bad, count, wrong)
    ]
    kept.sort(key=lambda one: (one["p"], one["column"], one["group"]))
    return kept[:FOUND]


def worst(found: list[dict[str, Any]], metric: str) -> dict[str, Any] | None:
    """The judged slice with the worst value."""
    judged = [one for one in found if one["judged"] and metric in one["metrics"]]
    if not judged:
        return None
    sign = 1 if METRICS[metric].larger_is_better else -1
    one = min(judged, key=lambda entry: sign * entry["metrics"][metric])
    return {"slice": f"{one['column']} = {one['group']}", "metric": metric, "value": one["metrics"][metric]}


def _codes(rows: pl.DataFrame, name: str) -> tuple[NDArray[np.int64], list[str]]:
    found = groups(rows, name)
    values = found.unique().sort().to_list()
    codes = found.replace_strict(values, list(range(len(values))), return_dtype=pl.Int64)
    return codes.to_numpy(), values


def _counted(
    names: tuple[str, ...],
    codes: dict[str, tuple[NDArray[np.int64], list[str]]],
    wrong: NDArray[np.bool_],
    smallest: int,
) -> Iterator[tuple[str, str, int, int]]:
    """All groups by these columns at once: name, value, rows, wrong rows."""
    place = np.zeros(len(wrong), dtype=np.int64)
    for name in names:
        place = place * len(codes[name][1]) + codes[name][0]
    kinds = int(np.prod([len(codes[name][1]) for name in names]))
    if kinds > 10_000:
        return
    counts = np.bincount(place, minlength=kinds)
    bad = np.bincount(place, weights=wrong, minlength=kinds)
    for number in np.flatnonzero((counts >= smallest) & (counts < len(wrong))):
        rest, texts = int(number), []
        for name in reversed(names):
            rest, here = divmod(rest, len(codes[name][1]))
            texts.append(codes[name][1][here])
        yield " & ".join(names), " & ".join(reversed(texts)), int(counts[number]), int(bad[number])


def _rest(bad: int, count: int, wrong: NDArray[np.bool_]) -> float:
    return (int(wrong.sum()) - bad) / max(1, len(wrong) - count)
