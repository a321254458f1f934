"""Label shares that moved: the case that must never be missed, and sampling noise that must not alarm."""

from collections.abc import Iterator, Mapping

from noria.stats.distance import shares
from noria.stats.interval import Z95
from noria.stats.shift import shifted
from noria.validate.report import Anomaly

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
    """An anomaly if a label's share moved, as ``noria.stats.shift`` says.

    Parameters
    ----------
    baseline, current
        Rows by label. A side without labelled rows is compared with nothing.
    between
        Names both sides in the message.
    z
        Standard errors that chance gives: by default, a 95 % interval.
    """
    found = shifted(baseline, current, bound=bound, z=z)
    if found is None:
        return
    before, now, label = shares(baseline), shares(current), found.label
    yield Anomaly(
        rule,
        column,
        what=f"the share of label {label} moved from {before.get(label, 0):.0%} to {now.get(label, 0):.0%} " + between,
        do=DO,
        evidence={
            "label": label,
            "before": before,
            "now": now,
            "change": found.change,
            "interval": [found.low, found.high],
        },
    )
