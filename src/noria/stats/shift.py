"""Shares that moved: the case that must never be missed, and sampling noise that must not alarm."""

from collections.abc import Mapping
from dataclasses import dataclass

from noria.stats.distance import shares
from noria.stats.interval import Z95, difference

SURE = 3.0  # standard errors: 1 in 400 by chance
REACH = 3.3  # standard errors: a shift as large as the bound looks smaller than this allows in 1 of 2,000 samples


@dataclass(frozen=True, slots=True)
class Shift:
    """The label whose share moved furthest, by how much, and the 95 % interval of that."""

    label: str
    before: float
    now: float
    low: float
    high: float

    @property
    def change(self) -> float:
        return self.now - self.before


def shifted(baseline: Mapping[str, int], current: Mapping[str, int], *, bound: float, z: float = Z95) -> Shift | None:
    """The largest shift of a label's share by more than ``bound`` and by more than chance gives; None if there is none.

    It also is one if the shift is beyond doubt and may be as large as ``bound``: a true shift of ten points shows as
    less than ten in every other sample.

    Parameters
    ----------
    baseline, current
        Rows by label. A side without labelled rows is compared with nothing.
    z
        Standard errors that chance gives: by default, a 95 % interval.
    """
    before, now = shares(baseline), shares(current)
    if not before or not now:
        return None
    sides = (sum(baseline.values()), sum(current.values()))
    moved = []
    for label in sorted(before.keys() | now.keys()):
        old, new = before.get(label, 0.0), now.get(label, 0.0)
        certain = [difference(old, sides[0], new, sides[1], each) for each in (z, SURE, REACH)]
        outside = [not low <= 0 <= high for low, high in certain]
        far = max(abs(end) for end in certain[2])
        if (abs(new - old) > bound and outside[0]) or (far >= bound and outside[1] and abs(new - old) > bound / 2):
            moved.append((label, new - old))
    if not moved:
        return None
    label, _ = max(moved, key=lambda one: abs(one[1]))
    old, new = before.get(label, 0.0), now.get(label, 0.0)
    return Shift(label, old, new, *difference(old, sides[0], new, sides[1]))
