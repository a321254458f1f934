"""Label shares that moved: the case that must never be missed, and sampling noise that must not alarm."""

from collections.abc import Iterator, Mapping

from noria.stats.distance import largest_change, shares
from noria.stats.interval import difference
from noria.validate.report import Anomaly

DO = (
    "If the change is real, learn from it with 'noria run FILE --remedy resample' (equal numbers of each label) or "
    "'--remedy reweight' (class weights in the loss); if it is a fault of the source, correct or quarantine the batch."
)


def label_shift(
    baseline: Mapping[str, int], current: Mapping[str, int], *, bound: float, severity: str, between: str
) -> Iterator[Anomaly]:
    """An anomaly if a label's share moved by more than ``bound`` and by more than chance gives (95 %).

    Parameters
    ----------
    baseline, current
        Rows by label. A side without labelled rows is compared with nothing.
    between
        Names both sides in the message.
    """
    before, now = shares(baseline), shares(current)
    if not before or not now:
        return
    label, change = largest_change(before, now)
    low, high = difference(before.get(label, 0.0), sum(baseline.values()), now.get(label, 0.0), sum(current.values()))
    if abs(change) > bound and not low <= 0 <= high:
        yield Anomaly(
            column="label",
            what=f"the share of label {label} moved from {before.get(label, 0):.0%} to {now.get(label, 0):.0%} "
            + between,
            severity=severity,
            do=DO,
            evidence={"label": label, "before": before, "now": now, "change": change, "interval": [low, high]},
        )
