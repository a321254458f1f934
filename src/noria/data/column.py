"""Statistics of one column, which merge."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import Any

import numpy as np
import polars as pl

from noria.data import distinct, sketch
from noria.data.distinct import KEPT


@dataclass(frozen=True, slots=True)
class Column:
    """Statistics of one column.

    Attributes
    ----------
    kind
        number, category, bool, time or other.
    rows, missing, zero, negative, infinite
        Rows; NaN is missing.
    total, spread
        Sum of the finite numbers, and of their squared distances from their mean. The sum of integers is exact.
    low, high
        Smallest and largest finite number; of integers they are integers. Decimals, and integers of more than 64
        bits, count as the floats nearest to them.
    first, last
        Earliest and latest time, in UTC, as ISO text.
    length, longest, tokens
        Of texts: characters in all, characters of the longest, words (what white space separates) in all.
    bins
        Of numbers their ``sketch``, of texts that of their lengths, of times the rows of each day since 1970.
    values
        Rows of each value, as text: exact and complete while there are at most 1000. Above, of numbers none; of texts
        the more frequent ones, each at most ``short`` rows too low.
    rest
        Rows whose value is not among ``values``.
    sample
        Above 1000 values: see ``distinct``.
    """

    kind: str
    rows: int = 0
    missing: int = 0
    zero: int = 0
    negative: int = 0
    infinite: int = 0
    total: float = 0
    spread: float = 0.0
    low: float | None = None
    high: float | None = None
    first: str | None = None
    last: str | None = None
    length: int = 0
    longest: int = 0
    tokens: int = 0
    bins: Mapping[int, int] = field(default_factory=dict)
    values: Mapping[str, int] = field(default_factory=dict)
    rest: int = 0
    short: int = 0
    sample: Mapping[int, int] = field(default_factory=dict)

    @property
    def present(self) -> int:
        return self.rows - self.missing

    @property
    def finite(self) -> int:
        return self.present - self.infinite

    @property
    def mean(self) -> float:
        return self.total / self.finite if self.kind == "number" and self.finite else math.nan

    @property
    def deviation(self) -> float:
        """Standard deviation; NaN if there are no numbers."""
        return math.sqrt(self.spread / self.finite) if self.kind == "number" and self.finite else math.nan

    @property
    def distinct(self) -> float:
        """How many different values: exact up to 1000, else with a standard error of ``noria.data.distinct.ERROR``."""
        return distinct.estimate(self.sample) if self.sample else float(len(self.values))

    @property
    def gap(self) -> int:
        """Of times: the most days in a row without any, between the first and the last."""
        days = sorted(self.bins) if self.kind == "time" else []
        return max((after - before - 1 for before, after in pairwise(days)), default=0)

    def shares(self) -> dict[str, float]:
        """Share of each counted value among the rows that have one."""
        return {value: count / self.present for value, count in self.values.items()} if self.present else {}

    def sampled(self) -> Mapping[int, int]:
        """The sample of its values, whether it is kept or all of them are."""
        return self.sample or sample_of(self.kind, self.values)

    def merge(self, other: "Column") -> "Column":
        """Statistics of the rows of both."""
        kind = self._kind_with(other)
        values, short, sample = self._values_with(other, kind)
        mean = other.mean - self.mean
        between = 0.0 if math.isnan(mean) else mean**2 * self.finite * other.finite / (self.finite + other.finite)
        present = self.present + other.present
        return Column(
            kind=kind,
            rows=self.rows + other.rows,
            missing=self.missing + other.missing,
            zero=self.zero + other.zero,
            negative=self.negative + other.negative,
            infinite=self.infinite + other.infinite,
            total=self.total + other.total,
            spread=self.spread + other.spread + between,
            low=_pick(min, self.low, other.low),
            high=_pick(max, self.high, other.high),
            first=_pick(min, self.first, other.first),
            last=_pick(max, self.last, other.last),
            length=self.length + other.length,
            longest=max(self.longest, other.longest),
            tokens=self.tokens + other.tokens,
            bins=sketch.merge(self.bins, other.bins) if kind != "other" else {},
            values=values,
            rest=present - sum(values.values()) if kind in COUNTED else 0,
            short=short,
            sample=sample,
        )

    def _kind_with(self, other: "Column") -> str:
        """The kind of both together; a side without values says nothing about it."""
        if self.kind == other.kind or (self.present and not other.present):
            return self.kind
        return other.kind if other.present and not self.present else "other"

    def _values_with(self, other: "Column", kind: str) -> tuple[dict[str, int], int, dict[int, int]]:
        if kind not in COUNTED:
            return {}, 0, {}
        values = {key: self.values.get(key, 0) + other.values.get(key, 0) for key in {**self.values, **other.values}}
        few = not self.sample and not other.sample and len(values) <= KEPT
        short = self.short + other.short
        if few:
            return ranked(values), short, {}
        sample = distinct.merge(self.sampled(), other.sampled())
        kept, cut = frequent(values) if kind == "category" else ({}, 0)
        return kept, short + cut, sample


COUNTED = ("number", "category", "bool")  # kinds whose values are counted


def ranked(values: Mapping[str, int]) -> dict[str, int]:
    """The most frequent first."""
    return dict(sorted(values.items(), key=lambda item: (-item[1], item[0])))


def frequent(values: Mapping[str, int]) -> tuple[dict[str, int], int]:
    """At most 1000 values, those with more rows than any that is left out; and the most rows of one that is.

    So of values that are all equally frequent, as names are, none is kept.
    """
    if len(values) <= KEPT:
        return ranked(values), 0
    cut = sorted(values.values(), reverse=True)[KEPT]
    return ranked({value: count for value, count in values.items() if count > cut}), cut


def sample_of(kind: str, values: Mapping[str, int]) -> dict[int, int]:
    """The sample of values that are all counted."""
    if not values:
        return {}
    hashes = _of_numbers(list(values)) if kind == "number" else distinct.of_texts(pl.Series(list(values)))
    return distinct.merge(dict(zip(hashes.tolist(), values.values())), {})


def _of_numbers(texts: Sequence[str]) -> distinct.Hashes:
    """An integer that no float is equal to is written with all its digits, and without a point."""
    hashes = distinct.of_numbers(np.array([float(text) for text in texts]))
    for place, text in enumerate(texts):
        if len(text) > 15 and text.lstrip("-").isdigit():
            hashes[place] = distinct.of_wholes(np.array([int(text)]))[0]
    return hashes


def with_values(
    column: Column, values: Mapping[str, int], short: int, sample: Mapping[int, int], bins: Mapping[int, int]
) -> Column:
    """A column with the counts of its values."""
    rest = column.present - sum(values.values())
    return replace(column, values=values, rest=rest, short=short, sample=sample, bins=bins)


def _pick(which: Any, a: Any, b: Any) -> Any:
    if a is None or b is None:
        return b if a is None else a
    return which(a, b)
