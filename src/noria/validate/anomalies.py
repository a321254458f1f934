"""New data against the schema and the baseline's statistics."""

from collections.abc import Iterator, Mapping
from typing import Any

from noria.data import sketch
from noria.data.profile import Column, Profile
from noria.data.schema import Schema
from noria.stats.distance import jensen_shannon, shares
from noria.validate.config import Validate
from noria.validate.report import Anomaly

FEW = 100  # a column with more distinct values than this is not a closed set of categories
KEY = 0.9  # a text column with more distinct values a row than this names things rather than kinds


def infer(profile: Profile) -> dict[str, Any]:
    """What later data are held against: each column's kind, range or categories, and share of missing values."""
    return {name: _expected(column) for name, column in profile.columns.items()}


def _expected(column: Column) -> dict[str, Any]:
    expected: dict[str, Any] = {"kind": column.kind, "missing": column.missing / column.rows if column.rows else 0.0}
    if column.kind == "number":
        expected |= {"low": column.low, "high": column.high}
    elif column.values and not column.rest and len(column.values) <= FEW:
        expected["categories"] = sorted(column.values)
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
    if share > expected["missing"] + config.missing:
        yield Anomaly(
            name,
            f"{share:.0%} of its values are missing, before {expected['missing']:.0%}",
            "warn",
            "See whether the source still fills it.",
            {"missing": share},
        )
    if column.infinite:
        yield Anomaly(name, f"{column.infinite} values are infinite", "warn", "Correct them at the source.", {})
    unseen = sorted(set(column.values) - set(expected.get("categories", column.values)))
    if unseen:
        shown = ", ".join(unseen[:5])
        yield Anomaly(name, f"unseen values: {shown}", "warn", "Check the spelling; they are learned from now on.",
                      {"values": unseen[:20]})  # fmt: skip
    yield from _range(name, expected, column)


def _range(name: str, expected: Mapping[str, Any], column: Column) -> Iterator[Anomaly]:
    low, high = expected.get("low"), expected.get("high")
    if low is None or high is None or column.low is None or column.high is None:
        return
    slack = (high - low) or abs(high) or 1.0
    if column.low < low - slack or column.high > high + slack:
        yield Anomaly(
            name,
            f"values from {column.low:g} to {column.high:g}, before {low:g} to {high:g}",
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


def drift(baseline: Profile, current: Profile, schema: Schema, bound: float) -> Iterator[Anomaly]:
    """Columns whose distribution is further than ``bound`` from the baseline's (Jensen-Shannon distance)."""
    for name, column in current.columns.items():
        before = baseline.columns.get(name)
        if before is None or before.kind != column.kind or name in (schema.label, schema.subject, schema.time):
            continue
        old, new = _aligned(before, column)
        if not old or not new:  # no values on one side: that is missing, not moved
            continue
        distance = jensen_shannon(old, new)
        if distance > bound:
            yield Anomaly(
                name,
                f"its distribution moved by {distance:.2f} of 1",
                "warn",
                "See the chart; if the source is right, nothing: the model learns it.",
                {"jensen_shannon": distance},
            )


def _aligned(a: Column, b: Column) -> tuple[dict[str, float], dict[str, float]]:
    """Both distributions over the same cells: categories, or tenths of the baseline's values."""
    if a.kind != "number":
        if a.rest or b.rest or len(a.values) > KEY * max(1, a.present):
            return {}, {}
        return shares(a.values), shares(b.values)
    edges = sorted({sketch.quantile(a.bins, q / 10) for q in range(1, 10)})
    return shares(_cells(a, edges)), shares(_cells(b, edges))


def _cells(column: Column, edges: list[float]) -> dict[str, int]:
    cells: dict[str, int] = {}
    for value, count in sketch.ordered(column.bins):
        cell = str(sum(value > edge for edge in edges))
        cells[cell] = cells.get(cell, 0) + count
    return cells
