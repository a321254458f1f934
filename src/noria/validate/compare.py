"""Two sets of rows held against each other on demand, as plain data."""

from typing import Any

from noria.data import sketch
from noria.data.column import Column
from noria.data.moved import Moved, between
from noria.data.profile import Profile
from noria.data.schema import Schema
from noria.stats.interval import difference
from noria.validate.config import Validate
from noria.validate.shift import label_shift

MOST = 20  # values of a category that are shown
QUANTILES = (0.01, 0.1, 0.25, 0.5, 0.75, 0.9, 0.99)


def compare(a: Profile, b: Profile, schema: Schema, config: Validate | None = None) -> dict[str, Any]:
    """What changed from profile ``a`` to profile ``b``: two versions, two files, or training and served rows.

    Returns
    -------
    Plain data, ready for JSON:
        ``rows``: ``[a, b]``.
        ``labels``: a list of ``{label, before, after, change, low, high}`` (shares; the 95 % interval of the change),
        largest change first; empty in a regression or if a side has no labels.
        ``columns``: a list, worst first, of ``{column, status, kind, measures, p, score, before, after}``. status is
        absent (``a`` only), new (``b`` only), type, moved or same; ``measures``, ``p`` and ``score`` as in
        ``noria.data.moved.Moved``; ``before`` and ``after`` (null where there is none) have ``rows``, ``missing``
        (share), ``distinct``, and for numbers ``mean``, ``deviation``, ``low``, ``high``, ``quantiles`` (by their
        share), for categories ``values`` (shares of the most frequent), for times ``first`` and ``last``.

    Examples
    --------
    >>> from noria.data.profile import profile
    >>> import polars as pl
    >>> schema = Schema(label="paid")
    >>> old, new = (profile(pl.DataFrame({"paid": ["yes"] * n + ["no"] * 100}), schema) for n in (100, 300))
    >>> [(one["label"], one["change"]) for one in compare(old, new, schema)["labels"]]
    [('no', -0.25), ('yes', 0.25)]
    """
    measured = {one.column: one for one in between(a, b, schema, config or Validate())}
    columns = [
        _column(name, a.columns.get(name), b.columns.get(name), measured.get(name))
        for name in [*b.columns, *(name for name in a.columns if name not in b.columns)]
    ]
    shifted = list(label_shift(a.labels, b.labels, bound=(config or Validate()).label_shift, between=""))
    for one in columns:
        if shifted and one["column"] == schema.label and one["status"] == "same":
            one["status"] = "moved"
    columns.sort(key=lambda one: (ORDER[one["status"]], -one["score"], one["column"]))
    return {"rows": [a.rows, b.rows], "labels": _labels(a, b), "columns": columns}


ORDER = {"absent": 0, "type": 1, "moved": 2, "new": 3, "same": 4}


def _column(name: str, a: Column | None, b: Column | None, moved: Moved | None) -> dict[str, Any]:
    if a is None or b is None:
        status = "new" if a is None else "absent"
    elif a.kind != b.kind and a.present and b.present:
        status = "type"
    else:
        status = "moved" if moved and moved.moved else "same"
    side = a if b is None else b
    assert side is not None
    return {
        "column": name,
        "status": status,
        "kind": side.kind,
        "measures": dict(moved.measures) if moved else {},
        "p": moved.p if moved else 1.0,
        "score": moved.score if moved else 0.0,
        "before": _summary(a) if a else None,
        "after": _summary(b) if b else None,
    }


def _summary(column: Column) -> dict[str, Any]:
    said: dict[str, Any] = {
        "rows": column.rows,
        "missing": column.missing / column.rows if column.rows else 0.0,
        "distinct": round(column.distinct),
    }
    if column.kind == "number" and column.finite:
        said |= {"mean": column.mean, "deviation": column.deviation, "low": column.low, "high": column.high}
        said["quantiles"] = {str(q): sketch.quantile(column.bins, q) for q in QUANTILES}
    elif column.kind == "time":
        said |= {"first": column.first, "last": column.last}
    elif column.values:
        said["values"] = dict(list(column.shares().items())[:MOST])
    return said


def _labels(a: Profile, b: Profile) -> list[dict[str, Any]]:
    before, after = a.label_shares(), b.label_shares()
    if not before or not after:
        return []
    found = []
    for label in sorted(before.keys() | after.keys()):
        old, new = before.get(label, 0.0), after.get(label, 0.0)
        low, high = difference(old, sum(a.labels.values()), new, sum(b.labels.values()))
        found.append({"label": label, "before": old, "after": new, "change": new - old, "low": low, "high": high})
    return sorted(found, key=lambda one: (-round(abs(one["change"]), 12), one["label"]))
