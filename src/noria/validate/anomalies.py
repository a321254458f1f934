"""New data against what they must be like."""

import math
from collections.abc import Iterator

from noria.data.column import Column
from noria.data.profile import Profile
from noria.data.schema import Schema
from noria.stats.homogeneity import more_often
from noria.validate.expected import Columns, Expected
from noria.validate.report import Anomaly

CHANCE = 0.001  # what is more likely than this may be chance
SHOWN = 5  # values in a sentence
FILLED = "See whether the source still fills it."


def against_schema(schema: Columns, current: Profile) -> Iterator[Anomaly]:
    """Columns that are absent or new, of another kind, with unseen categories, out of range, or missing too often."""
    for name in sorted(schema.keys() - current.columns.keys()):
        if schema[name].required:
            yield Anomaly("absent", name, "the column is absent", "Deliver it again, or drop it from the schema.")
    for name in sorted(current.columns.keys() - schema.keys()):
        yield Anomaly("new", name, "the column is new", "Nothing, if that is meant.")
    for name, expected in schema.items():
        column = current.columns.get(name)
        if column is not None:
            yield from _column(name, expected, column, CHANCE / len(schema))


def _column(name: str, expected: Expected, column: Column, chance: float) -> Iterator[Anomaly]:
    if column.missing == column.rows:
        if (expected.missing if expected.usual is None else expected.usual) < 1:
            yield Anomaly("empty", name, "the column has no values", FILLED, {"rows": column.rows})
        return
    if expected.kind is not None and column.kind != expected.kind:
        was = "was" if expected.usual is not None else "must be"
        what = f"it is {column.kind} now and {was} {expected.kind}"
        evidence = {"kind": column.kind, "expected": expected.kind}
        yield Anomaly("type", name, what, "Correct the source's types.", evidence)
        return
    yield from _missing(name, expected, column, chance)
    if column.infinite:
        what = f"{column.infinite} values are infinite"
        yield Anomaly("infinite", name, what, "Correct them at the source.", {"rows": column.infinite})
    yield from _unseen(name, expected, column)
    yield from _range(name, expected, column)


def _missing(name: str, expected: Expected, column: Column, chance: float) -> Iterator[Anomaly]:
    """More than may be, and more than chance gives where so many as usual are missing, all columns together."""
    share = column.missing / column.rows
    usual = expected.missing if expected.usual is None else expected.usual
    if share > expected.missing and more_often(column.missing, column.rows, usual) < chance:
        before = f"before {usual:.0%}" if expected.usual is not None else f"at most {usual:.0%} may be"
        evidence = {"missing": share, "most": expected.missing}
        yield Anomaly("missing", name, f"{share:.0%} of its values are missing, {before}", FILLED, evidence)


def _unseen(name: str, expected: Expected, column: Column) -> Iterator[Anomaly]:
    """Values that are not among the categories: rare unless more rows have them than rare values would."""
    if expected.categories is None:
        return
    unseen = sorted(set(column.values) - set(expected.categories))
    if not unseen:
        return
    rows = sum(column.values[value] for value in unseen)
    surprising = more_often(rows, column.present, expected.unseen) < CHANCE
    shown = ", ".join(unseen[:SHOWN]) + (f" and {len(unseen) - SHOWN} more" if len(unseen) > SHOWN else "")
    yield Anomaly(
        "unseen" if surprising else "rare",
        name,
        f"unseen values: {shown}",
        "Check the spelling; they are learned from now on.",
        {"values": unseen[:20], "rows": rows, "share": rows / column.present, "most": expected.unseen},
    )


def _range(name: str, expected: Expected, column: Column) -> Iterator[Anomaly]:
    least = -math.inf if expected.least is None else expected.least
    most = math.inf if expected.most is None else expected.most
    if column.low is None or column.high is None or (column.low >= least and column.high <= most):
        return
    before = f"must be {least:g} to {most:g}"
    if expected.low is not None and expected.high is not None:
        before = f"before {expected.low:g} to {expected.high:g}"
    what = f"values from {column.low:g} to {column.high:g}, {before}"
    evidence = {"low": column.low, "high": column.high, "least": expected.least, "most": expected.most}
    yield Anomaly("range", name, what, "Check the unit.", evidence)


def constant(current: Profile, schema: Schema) -> Iterator[Anomaly]:
    """Columns in which every row says the same."""
    for name, column in current.columns.items():
        same = (len(column.values) == 1 and not column.rest) or (column.kind == "number" and column.low == column.high)
        if same and not column.missing and column.rows > 1 and name != schema.label:
            value = next(iter(column.values), None) or f"{column.low:g}"
            do = "Drop it: nothing can be learned from it."
            yield Anomaly("constant", name, "all values are the same", do, {"value": value, "rows": column.rows})
