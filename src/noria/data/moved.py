"""Distributions that moved: how far, and whether by more than chance.

A column is said to have moved if it moved far, by one of the measures of its kind, and surely: by a chi-square test
over all columns together, in which at most one in a thousand of the columns that are named may be named by
chance (Benjamini and Hochberg 1995). So a table of 500 columns that did not move stays quiet, whatever its size.
"""

import math
from bisect import bisect_left
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from noria.data import sketch
from noria.data.column import Column
from noria.data.profile import Profile
from noria.data.schema import Schema
from noria.stats.compare import discoveries
from noria.stats.distance import jensen_shannon, largest_change, shares, stability, wasserstein
from noria.stats.homogeneity import same_shares

RATE = 0.001  # of the columns named that may be named by chance
KEY = 0.9  # a text column with more distinct values a row than this names things rather than kinds
REST = "… all others"

Cells = Mapping[str, int]


class Bounds(Protocol):
    """From where on a column is far from what it was: ``noria.validate.config.Validate`` says what each means."""

    @property
    def drift(self) -> float: ...

    @property
    def wasserstein(self) -> float: ...

    @property
    def l_infinity(self) -> float: ...

    @property
    def psi(self) -> float: ...


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds as plain numbers; the defaults are those of ``Validate``."""

    drift: float = 0.2
    wasserstein: float = 0.5
    l_infinity: float = 0.15
    psi: float = 0.25


@dataclass(frozen=True, slots=True)
class Moved:
    """How far a column is from what it was.

    Attributes
    ----------
    measures
        Of numbers ``jensen_shannon`` over the tenths of the old values, 0 to 1, and ``wasserstein`` in old standard
        deviations; of categories ``jensen_shannon``, ``l_infinity`` (largest change of a share, 0 to 1) and ``psi``;
        of texts that differ from row to row ``jensen_shannon`` of their lengths.
    p
        Probability of a difference at least so large by chance.
    score
        The largest measure as a multiple of its bound, less what chance gives; above 1 is far.
    moved
        Whether it is far and sure.
    """

    column: str
    measures: Mapping[str, float]
    p: float
    score: float
    moved: bool


def between(before: Profile, after: Profile, schema: Schema, bounds: Bounds) -> list[Moved]:
    """Each column that both have, of the same kind, furthest first; not label, subject and time."""
    names = [
        name
        for name, column in after.columns.items()
        if name in before.columns
        and before.columns[name].kind == column.kind
        and name not in (schema.label, schema.subject, schema.time)
    ]
    found = [(name, *_measured(before.columns[name], after.columns[name], bounds)) for name in names]
    found = [one for one in found if one[1]]
    sure = discoveries(np.array([p for *_, p in found]), RATE)
    moved = [
        Moved(name, measures, p, score, bool(certain) and score > 1)
        for (name, measures, score, p), certain in zip(found, sure)
    ]
    return sorted(moved, key=lambda one: (not one.moved, -one.score, one.column))


def _measured(a: Column, b: Column, bounds: Bounds) -> tuple[dict[str, float], float, float]:
    """Measures, score, p; no measures if one side has no values: that is missing, not moved."""
    if a.kind == "number":
        old, new = tenths(a, b)
    elif a.kind in ("category", "bool"):
        old, new = _categories(a, b)
    else:
        return {}, 0.0, 1.0
    if not old or not new:
        return {}, 0.0, 1.0
    p, q = shares(old), shares(new)
    far = jensen_shannon(p, q)
    measures = {"jensen_shannon": far}
    # What two samples of one distribution are apart on average: their divergence is chi-square, by its size.
    cells = len(old.keys() | new.keys())
    noise = (cells - 1) / (8 * math.log(2)) * (1 / sum(old.values()) + 1 / sum(new.values()))
    certain = math.sqrt(max(0.0, 1 - noise / far**2)) if far else 0.0
    scores = [far / bounds.drift]
    if a.kind == "number":
        measures["wasserstein"] = _deviations(a, b)
        scores.append(measures["wasserstein"] / bounds.wasserstein)
    elif a.kind == "bool" or not _named(a, b):
        measures["l_infinity"] = abs(largest_change(p, q)[1])
        measures["psi"] = stability(p, q)
        scores += [measures["l_infinity"] / bounds.l_infinity, measures["psi"] / bounds.psi]
    return measures, max(scores) * certain, same_shares(old, new)


def _deviations(a: Column, b: Column) -> float:
    scale = a.deviation or abs(a.mean) or 1.0
    far = wasserstein(sketch.ordered(a.bins), sketch.ordered(b.bins)) / scale
    return far if math.isfinite(far) else 0.0


def tenths(a: Column, b: Column) -> tuple[dict[str, int], dict[str, int]]:
    """Both columns' rows by the tenths of the first one's values."""
    edges = sorted({sketch.quantile(a.bins, q / 10) for q in range(1, 10)}) if a.bins else []
    return _cells(a.bins, edges), _cells(b.bins, edges)


def _cells(bins: sketch.Bins, edges: list[float]) -> dict[str, int]:
    cells: dict[str, int] = {}
    for value, count in sketch.ordered(bins):
        cell = str(bisect_left(edges, value))
        cells[cell] = cells.get(cell, 0) + count
    return cells


def _named(a: Column, b: Column) -> bool:
    """True if the values name things rather than kinds: then nothing but their lengths can be compared."""
    return any(side.distinct > KEY * max(1, side.present) or (side.rest and not side.values) for side in (a, b))


def _categories(a: Column, b: Column) -> tuple[dict[str, int], dict[str, int]]:
    if not a.present or not b.present:
        return {}, {}
    if _named(a, b):
        return ({}, {}) if a.kind == "bool" else tenths(a, b)
    if not a.rest and not b.rest:
        return dict(a.values), dict(b.values)
    kept = a.values.keys() & b.values.keys() if a.rest and b.rest else (a if a.rest else b).values.keys()
    return _with_rest(a, kept), _with_rest(b, kept)


def _with_rest(column: Column, kept: Collection[str]) -> dict[str, int]:
    counts = {value: count for value, count in column.values.items() if value in kept}
    return {**counts, REST: column.present - sum(counts.values())}
