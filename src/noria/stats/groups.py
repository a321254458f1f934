"""Between groups: how far rates of the same thing are apart, and how sure that is."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations
from typing import Any

from noria.stats.interval import Span, apart

DIFFERENCES = {  # the largest difference of these rates between two groups
    "demographic_parity_difference": ("selection_rate",),
    "equal_opportunity_difference": ("true_positive_rate",),
    "equalized_odds_difference": ("true_positive_rate", "false_positive_rate"),
    "error_difference": ("error",),
    "mean_answer_difference": ("mean_answer",),
    "mean_error_difference": ("mean_error",),
}

Group = Mapping[str, Any]


def largest(groups: Sequence[Group], name: str, smallest: int) -> dict[str, Any]:
    """The largest difference between two judged groups, with its interval; and what small groups may hide.

    ``value`` is None if fewer than two groups are large enough. ``certain`` is the largest difference that also holds
    at the near end of its interval, small groups included; ``undecided`` names the groups that are too small.

    Parameters
    ----------
    groups
        Each with its name, ``group``, and ``rates``: by name, ``value`` (None if too few rows define it), ``low`` and
        ``high`` of its interval, and ``rows``.
    name
        One of ``DIFFERENCES`` whose rates the groups have.
    smallest
        A group whose rate rests on fewer rows is not judged.
    """
    value: float | None = None
    low = high = None
    between: list[str] = []
    certain = 0.0
    small: set[str] = set()
    for rate in DIFFERENCES[name]:
        for a, b in _pairs(groups, rate):
            one, two = a["rates"][rate], b["rates"][rate]
            bounds = apart(*(Span(side["value"], side["low"], side["high"]) for side in (one, two)))
            certain = max(certain, bounds[0])
            gap = two["value"] - one["value"]
            if min(one["rows"], two["rows"]) >= smallest and (value is None or gap > value):
                value, (low, high), between = gap, bounds, [b["group"], a["group"]]
        small.update(g["group"] for g in groups if g["rates"][rate]["rows"] < smallest)
    return {
        "value": value, "low": low, "high": high, "between": between, "certain": certain, "undecided": sorted(small)
    }  # fmt: skip


def differences(groups: Sequence[Group], smallest: int) -> dict[str, dict[str, Any]]:
    """``largest`` of every difference whose rates the groups have."""
    there = groups[0]["rates"] if groups else {}
    names = [name for name, rates in DIFFERENCES.items() if set(rates) <= set(there)]
    return {name: largest(groups, name, smallest) for name in names}


def _pairs(groups: Sequence[Group], rate: str) -> Iterator[tuple[Group, Group]]:
    """Pairs of groups, the one with the lower rate first."""
    known = [g for g in groups if g["rates"][rate]["value"] is not None]
    for a, b in combinations(known, 2):
        yield (a, b) if a["rates"][rate]["value"] <= b["rates"][rate]["value"] else (b, a)
