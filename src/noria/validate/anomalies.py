"""New data against the schema and the baseline's statistics."""

import math
from collections.abc import Iterator, Mapping
from typing import Any

from noria.data import sketch
from noria.data.column import Column
from noria.data.profile import Profile
from noria.data.schema import Schema
from noria.stats.homogeneity import more_often
from noria.validate.config import Validate
from noria.validate.report import Anomaly

FEW = 100  # a column with more distinct values than this is not a closed set of categories
CHANCE = 0.001  # what is more likely than this may be chance


def infer(profile: Profile) -> dict[str, Any]:
    """What later data are held against: each column's kind, range or categories, and share of missing values."""
    return {name: _expected(column) for name, column in profile.columns.items()}


def _expected(column: Column) -> dict[str, Any]:
    expected: dict[str, Any] = {"kind": column.kind, "missing": column.missing / column.rows if column.rows else 0.0}
    if column.kind == "number":
        expected |= {"low": column.low, "high": column.high, **_room(column)}
    elif column.values and not column.rest and len(column.values) <= FEW:
        expected["categories"] = sorted(column.values)
        # By Good and Turing, of values never seen there are as many rows as of values seen once; with room for chance.
        once = sum(count == 1 for count in column.values.values())
        expected["unseen"] = round(min(1.0, (once + 3 * math.sqrt(once + 1) + 3) / (column.present + 1)), 6)
    return expected


def against_schema(schema: Mapping[str, Any], current: Profile, config: Validate) -> Iterator[Anomaly]:
    """Columns that are absent or new, of another kind, with unseen categories, out of range, or missing too often."""
    for name in sorted(schema.keys() - current.columns.keys()):
        yield Anomaly(name, "the column is absent", "block", "Deliver it again, or drop it from the schema.", {})
    for name in sorted(current.columns.keys() - schema.keys()):
        yield Anomaly(name, "the column is new", "info", "Nothing, if that is meant.", {})
    for name, expected in schema.items():
        column = current.columns.get(name)
        if column is not None:
            yield from _column(name, expected, column, config)


def _column(name: str, expected: Mapping[str, Any], column: Column, config: Validate) -> Iterator[Anomaly]:
    if column.missing == column.rows:
        if expected["missing"] < 1:
            yield Anomaly(name, "the column has no values", "warn", "See whether the source still fills it.", {})
        return
    if column.kind != expected["kind"]:
        yield Anomaly(
            name, f"it is {column.kind} now and was {expected['kind']}", "block", "Correct the source's types.", {}
        )
        return
    share = column.missing / column.rows
    surprising = more_often(column.missing, column.rows, expected["missing"]) < CHANCE
    if share > expected["missing"] + config.missing and surprising:
        yield Anomaly(
            name,
            f"{share:.0%} of its values are missing, before {expected['missing']:.0%}",
            "warn",
            "See whether the source still fills it.",
            {"missing": share},
        )
    if column.infinite:
        yield Anomaly(name, f"{column.infinite} values are infinite", "warn", "Correct them at the source.", {})
    yield from _unseen(name, expected, column)
    yield from _range(name, expected, column)


def _unseen(name: str, expected: Mapping[str, Any], column: Column) -> Iterator[Anomaly]:
    """Values that are not among the categories: a warning unless so few rows have them as rare values would."""
    unseen = sorted(set(column.values) - set(expected.get("categories", column.values)))
    if not unseen:
        return
    rows = sum(column.values[value] for value in unseen)
    surprising = more_often(rows, column.present, expected.get("unseen", 0.0)) < CHANCE
    shown = ", ".join(unseen[:5])
    yield Anomaly(
        name,
        f"unseen values: {shown}",
        "warn" if surprising else "info",
        "Check the spelling; they are learned from now on.",
        {"values": unseen[:20], "rows": rows},
    )


def _room(column: Column) -> dict[str, float]:
    """How far values may go before it is an anomaly: the range again on either side, and as far again as a long tail.

    The largest of many incomes may be several times the largest of the many before, so what the largest is as a
    multiple of the upper quartile, the next largest may be as a multiple of it.
    """
    if column.low is None or column.high is None:
        return {}
    slack = (column.high - column.low) or abs(column.high) or 1.0
    least, most = column.low - slack, column.high + slack
    low, high = sketch.quantile(column.bins, 0.25), sketch.quantile(column.bins, 0.75)
    if high > 0:
        most = max(most, column.high * column.high / high)
    if low < 0:
        least = min(least, -column.low * column.low / -low)
    return {"least": float(f"{least:.6g}"), "most": float(f"{most:.6g}")}


def _range(name: str, expected: Mapping[str, Any], column: Column) -> Iterator[Anomaly]:
    least, most = expected.get("least", -math.inf), expected.get("most", math.inf)
    if column.low is None or column.high is None or (column.low >= least and column.high <= most):
        return
    before = f"{expected.get('low', least):g} to {expected.get('high', most):g}"
    yield Anomaly(
        name,
        f"values from {column.low:g} to {column.high:g}, before {before}",
        "warn",
        "Check the unit.",
        {"low": column.low, "high": column.high},
    )


def constant(current: Profile, schema: Schema) -> Iterator[Anomaly]:
    """Columns in which every row says the same, and a label with one class."""
    for name, column in current.columns.items():
        same = (len(column.values) == 1 and not column.rest) or (column.kind == "number" and column.low == column.high)
        if same and not column.missing and column.rows > 1 and name != schema.label:
            yield Anomaly(name, "all values are the same", "warn", "Drop it: nothing can be learned from it.", {})
