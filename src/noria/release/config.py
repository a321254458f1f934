"""What may be declared for releasing: gates, and who says yes."""

from collections.abc import Sequence
from dataclasses import dataclass

from noria.errors import BadLifecycle

FAIRNESS = (
    "demographic_parity_difference",
    "equal_opportunity_difference",
    "equalized_odds_difference",
)


@dataclass(frozen=True)
class Better:
    """The candidate must not be worse than the champion on the same analysis rows by more than ``slack``."""

    metric: str
    slack: float = 0.0


@dataclass(frozen=True)
class Fair:
    """A difference between protected groups must stay at or under ``max``."""

    metric: str
    max: float
    column: str | None = None


@dataclass(frozen=True)
class AtLeast:
    """A metric on the analysis split must reach ``value``."""

    metric: str
    value: float


@dataclass(frozen=True)
class Slices:
    """No subset's metric may be under the overall one by more than ``by``."""

    metric: str
    by: float


Gate = Better | Fair | AtLeast | Slices


def better_than_champion(metric: str, slack: float = 0.0) -> Better:
    """Not significantly worse than the champion (paired bootstrap on the same analysis rows)."""
    return Better(metric, slack)


def fair(metric: str, max: float, column: str | None = None) -> Fair:
    """A Fairlearn difference between the groups of each protected column (or of one) of at most ``max``."""
    if metric not in FAIRNESS:
        raise BadLifecycle(f"no fairness metric {metric!r}", where="fair", do=f"Use one of {', '.join(FAIRNESS)}.")
    return Fair(metric, max, column)


def at_least(metric: str, value: float) -> AtLeast:
    """A metric of the whole analysis split."""
    return AtLeast(metric, value)


def no_slice_worse(metric: str, by: float) -> Slices:
    """A metric of every subset that is large enough to be judged."""
    return Slices(metric, by)


@dataclass(frozen=True)
class Release:
    """When a candidate becomes the next version.

    Parameters
    ----------
    gates
        Rules that must all hold.
    approval
        ``automatic``: gates decide. ``person``: after the gates, ``noria model approve``.
    """

    gates: Sequence[Gate] = (Better("roc_auc"),)
    approval: str = "automatic"

    def __post_init__(self) -> None:
        if self.approval not in ("automatic", "person"):
            raise BadLifecycle(f"approval={self.approval!r}", where="Release", do="Use 'automatic' or 'person'.")
        wrong = [gate for gate in self.gates if not isinstance(gate, Gate)]
        if wrong:
            raise BadLifecycle(f"{wrong[0]!r} is no gate", where="Release", do="Use nr.fair, nr.at_least, ...")
