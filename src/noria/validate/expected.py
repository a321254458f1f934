"""What new rows must be like, column by column: inferred from rows that are there, or written by a person."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from noria.data import sketch
from noria.data.column import Column
from noria.data.profile import Profile

MORE = 0.03  # by default, what a share of missing values may grow by
MORE_BEFORE = 0.1  # what was let pass when only the usual share was kept
FEW = 100  # a column with more distinct values than this is not a closed set of categories


@dataclass(frozen=True, slots=True)
class Expected:
    """What the values of one column must be like; what is None may be anything.

    Attributes
    ----------
    kind
        number, category, bool, time or other.
    required
        Whether the column must be there.
    missing
        Largest share of missing values.
    least, most
        Of numbers: the range they must lie in.
    categories
        Of categories and bools: the values there are.
    unseen
        Largest share of rows with a value that is not among the categories; 0: the categories are closed.
    unique
        Whether no value may come twice.
    severity
        The word of a rule for this column, where it differs from the lifecycle's.
    usual
        Share of missing values in the rows this was inferred from; None: a person wrote it.
    low, high
        The numbers' range in those rows.
    """

    kind: str | None = None
    required: bool = True
    missing: float = 1.0
    least: float | None = None
    most: float | None = None
    categories: Sequence[str] | None = None
    unseen: float = 1.0
    unique: bool = False
    severity: Mapping[str, str] = field(default_factory=dict)
    usual: float | None = None
    low: float | None = None
    high: float | None = None

    def to_json(self) -> dict[str, Any]:
        return {name: value for name, value in asdict(self).items() if value != DEFAULTS[name]}


DEFAULTS = asdict(Expected())
Columns = Mapping[str, Expected]


def of_json(raw: Mapping[str, Mapping[str, Any]]) -> dict[str, Expected]:
    """What ``Expected.to_json`` kept, by column; also of versions validated before ``usual`` was kept apart."""
    return {name: Expected(**(one if "usual" in one else _old(one))) for name, one in raw.items()}


def _old(one: Mapping[str, Any]) -> dict[str, Any]:
    return {**one, "usual": one["missing"], "missing": min(1.0, one["missing"] + MORE_BEFORE)}


def infer(profile: Profile, missing: float = MORE) -> dict[str, Expected]:
    """What rows like these are held against: each column's kind, range or categories, and share of missing values.

    Parameters
    ----------
    missing
        What the share of missing values may grow by.
    """
    return {name: _expected(column, missing) for name, column in profile.columns.items()}


def _expected(column: Column, missing: float) -> Expected:
    usual = column.missing / column.rows if column.rows else 0.0
    # As much as so few rows may have hidden, by chance, is let pass whatever was declared.
    hidden = (column.missing + 3 * math.sqrt(column.missing + 1) + 3) / (column.rows + 1)
    most = min(1.0, round(max(usual + missing, hidden), 6))
    if column.kind == "number":
        least, largest = _room(column)
        return Expected(
            column.kind, missing=most, usual=usual, low=column.low, high=column.high, least=least, most=largest
        )
    if not column.values or column.rest or len(column.values) > FEW:
        return Expected(column.kind, missing=most, usual=usual)
    # By Good and Turing, of values never seen there are as many rows as of values seen once; with room for chance.
    once = sum(count == 1 for count in column.values.values())
    unseen = round(min(1.0, (once + 3 * math.sqrt(once + 1) + 3) / (column.present + 1)), 6)
    return Expected(column.kind, missing=most, usual=usual, categories=sorted(column.values), unseen=unseen)


def _room(column: Column) -> tuple[float | None, float | None]:
    """How far values may go before it is an anomaly: the range again on either side, and as far again as a long tail.

    The largest of many incomes may be several times the largest of the many before, so what the largest is as a
    multiple of the upper quartile, the next largest may be as a multiple of it.
    """
    if column.low is None or column.high is None:
        return None, None
    slack = (column.high - column.low) or abs(column.high) or 1.0
    least, most = column.low - slack, column.high + slack
    low, high = sketch.quantile(column.bins, 0.25), sketch.quantile(column.bins, 0.75)
    if high > 0:
        most = max(most, column.high * column.high / high)
    if low < 0:
        least = min(least, -column.low * column.low / -low)
    return float(f"{least:.6g}"), float(f"{most:.6g}")
