"""What may be declared for feedback."""

from dataclasses import dataclass

from noria.declared import check
from noria.errors import BadLifecycle
from noria.stats.names import METRICS


@dataclass(frozen=True)
class When:
    """Turn again when a live metric is under the one at release by ``drops``."""

    metric: str
    drops: float

    def __post_init__(self) -> None:
        check(self, least={"drops": 0})
        if self.metric not in METRICS:
            raise BadLifecycle(f"unknown metric {self.metric!r}", where="when", do=f"Use {', '.join(METRICS)}.")


def when(metric: str, *, drops: float) -> When:
    """Turn the wheel when a live metric drops."""
    return When(metric, drops)


@dataclass(frozen=True)
class Feedback:
    """What becomes of labels that arrive for served predictions.

    Parameters
    ----------
    retrain
        When the live performance calls for a new turn.
    collect
        Whether labelled predictions become new training data.
    """

    retrain: When | None = None
    collect: bool = True

    def __post_init__(self) -> None:
        check(self)
