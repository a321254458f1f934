"""Label shares that moved: the case that must never be missed, and sampling noise that must not alarm."""

from collections.abc import Iterator, Mapping

from noria.stats.distance import shares
from noria.stats.interval import Z95, difference
from noria.validate.report import Anomaly

SURE = 3.0  # standard errors: 1 in 400 by chance
REACH = 3.3  # standard errors: a shift as large as the bound looks smaller than this allows in 1 of 2,000 samples

DO = (
    "If the change is real, learn from it with 'noria run FILE --remedy resample' (equal numbers of each label), "
    "'--remedy reweight' (class weights in the loss) or '--remedy accept' (as it is); if it is a fault of the source, "
    "correct the file, or leave the batch out with '--remedy quarantine'."
)


def label_shift(
    baseline: Mapping[str, int],
    current: Mapping[str, int],
    *,
    bound: float,
    between: str,
    column: str = "label",
    rule: str = "label_shift",
    z: float = Z95,
) -> Iterator[Anomaly]:
    """An anomaly if a label's share moved by more than ``bound`` and by more than chance gives.

    It also is one if the shift is beyond doubt and may be as large as ``bound``: a true shift of ten points shows as
    less than ten in every other sample.

    Parameters
    ----------
    baseline, current
        Rows by label. A side without labelled rows is compared with nothing.
    between
        Names both sides in the message.
    z
        Standard errors that chance gives: by default, a 95 % interval.
    """
    before, now = shares(baseline), shares(current)
    if not before or not now:
        return
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
        return
    label, change = max(moved, key=lambda one: abs(one[1]))
    low, high = difference(before.get(label, 0.0), sides[0], now.get(label, 0.0), sides[1])
    yield Anomaly(
        rule,
        column,
        what=f"the share of label {label} moved from {before.get(label, 0):.0%} to {now.get(label, 0):.0%} " + between,
        do=DO,
        evidence={"label": label, "before": before, "now": now, "change": change, "interval": [low, high]},
    )
