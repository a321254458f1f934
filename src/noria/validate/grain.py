"""Numbers that come in coarser steps than before: rounded, cut, or from a poorer instrument.

What is compared is how many of the sketch's bins are taken, which are 1.6 % of a value wide. Of rows drawn from the
baseline, the number of bins taken has a known mean and at most a known variance (balls in bins, which are taken
independently or less so). It is counted within each tenth of the old values, so that a distribution that moved as a
whole is not mistaken for one that lost its steps.
"""

import math
from bisect import bisect_left
from collections.abc import Iterator

from noria.data import sketch
from noria.data.column import Column
from noria.data.profile import Profile
from noria.data.schema import Schema
from noria.validate.report import Anomaly

LEAST = 30.0  # bins that must be expected for their number to say something
FEWER = 0.6  # of them: fewer is far
SURE = 6.0  # standard deviations: less than one in a hundred million by chance, however many columns there are
DO = "See whether the source rounds, or lost digits; if it is right, nothing."


def coarser(before: Profile, fresh: Profile, schema: Schema) -> Iterator[Anomaly]:
    """Number columns whose values take far fewer bins than so many rows from before would."""
    for name, column in fresh.columns.items():
        old = before.columns.get(name)
        if old is None or old.kind != "number" or column.kind != "number" or name == schema.label:
            continue
        taken, expected, variance = steps(old, column)
        if expected >= LEAST and taken < FEWER * expected and expected - taken > SURE * math.sqrt(variance + 1):
            what = f"its values come in coarser steps: {taken} of about {expected:.0f} that so many rows had before"
            yield Anomaly("coarser", name, what, DO, {"steps": taken, "expected": expected})


def steps(old: Column, new: Column) -> tuple[int, float, float]:
    """Bins that the new values take; how many they would take if drawn from the old ones; the most it may vary."""
    edges = sorted({sketch.quantile(old.bins, q / 10) for q in range(1, 10)}) if old.bins else []
    held, drawn = _by_tenth(old.bins, edges), _by_tenth(new.bins, edges)
    expected = variance = 0.0
    for was, now in zip(held, drawn, strict=True):
        rows, total = sum(now), sum(was)
        for count in was if rows else ():
            empty = (1 - count / total) ** rows
            expected += 1 - empty
            variance += empty * (1 - empty)
    return len(new.bins), expected, variance


def _by_tenth(bins: sketch.Bins, edges: list[float]) -> list[list[int]]:
    """The counts of the bins in each stretch between edges."""
    found: list[list[int]] = [[] for _ in range(len(edges) + 1)]
    for value, count in sketch.ordered(bins):
        found[bisect_left(edges, value)].append(count)
    return found
