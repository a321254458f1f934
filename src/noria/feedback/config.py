"""What may be declared for feedback: when the wheel turns again, and how much of that is let happen."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from noria.declared import check
from noria.errors import BadLifecycle
from noria.stats.names import METRICS

UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}


def duration(text: str, where: str) -> timedelta:
    """A length of time such as ``30s``, ``15m``, ``6h``, ``7d`` or ``2w``.

    Raises
    ------
    BadLifecycle
        If it is none, or nothing long.
    """
    found = re.fullmatch(r"(\d{1,6})([smhdw])", text)
    if found is None or int(found[1]) == 0:
        raise BadLifecycle(f"{text!r} is no length of time", where=where, do="Write for example 30s, 15m, 6h or 7d.")
    return timedelta(**{UNITS[found[2]]: int(found[1])})


@dataclass(frozen=True)
class When:
    """Turn again when a metric of what is live is under the one at release by more than ``drops``."""

    metric: str
    drops: float
    estimated: bool = False

    def __post_init__(self) -> None:
        check(self, least={"drops": 0})
        if self.metric not in METRICS:
            raise BadLifecycle(f"unknown metric {self.metric!r}", where="when", do=f"Use {', '.join(METRICS)}.")


@dataclass(frozen=True)
class WhenDrift:
    """Turn again when so many columns of what is sent in, or answers, moved from what they were."""

    columns: int = 1

    def __post_init__(self) -> None:
        check(self, least={"columns": 1})


@dataclass(frozen=True)
class WhenLabelShift:
    """Turn again when a true label's share moved by more than ``by`` from what was learned from."""

    by: float = 0.1

    def __post_init__(self) -> None:
        check(self)
        if not 0 < self.by <= 1:
            raise BadLifecycle(f"by={self.by!r} is not between 0 and 1", where="when_label_shift", do="Use a fraction.")


@dataclass(frozen=True)
class WhenLabelled:
    """Turn again when so many predictions got a label since the newest version's data were collected."""

    rows: int

    def __post_init__(self) -> None:
        check(self, least={"rows": 1})


@dataclass(frozen=True)
class Every:
    """Turn again when the last turn is so long ago, whatever has happened."""

    time: str

    def __post_init__(self) -> None:
        check(self)
        duration(self.time, "every")


Rule = When | WhenDrift | WhenLabelShift | WhenLabelled | Every


def when(metric: str, *, drops: float, estimated: bool = False) -> When:
    """Turn the wheel when a metric of what is live dropped since its release.

    Parameters
    ----------
    metric
        Its name, such as ``roc_auc``.
    drops
        By how much it must be worse, surely: the near end of its 95 % interval is worse than at release too.
    estimated
        Whether what is expected without labels counts, rather than what labels show.
    """
    return When(metric, drops, estimated)


def when_drift(*, columns: int = 1) -> WhenDrift:
    """Turn the wheel when columns that are sent in, or answers, moved; ``Validate`` says how far that is."""
    return WhenDrift(columns)


def when_label_shift(by: float = 0.1) -> WhenLabelShift:
    """Turn the wheel when a label's share among the labels that arrived moved."""
    return WhenLabelShift(by)


def when_labelled(rows: int) -> WhenLabelled:
    """Turn the wheel when so many more predictions have a label; they are learned from by ``collect=nr.Captured()``."""
    return WhenLabelled(rows)


def every(time: str) -> Every:
    """Turn the wheel at least so often: ``every("7d")``."""
    return Every(time)


@dataclass(frozen=True)
class Feedback:
    """What becomes of labels that arrive for served predictions.

    Parameters
    ----------
    retrain
        What calls for a new turn besides new data, an erasure and a person: one of ``when``, ``when_drift``,
        ``when_label_shift``, ``when_labelled``, ``every``, or several of them.
    on_data
        Whether new data call for a turn.
    window
        Length of the time windows in which what is live is measured.
    turns, per
        The budget of ``noria watch``: at most so many turns in any such length of time.
    pause, longest
        How long ``noria watch`` waits after a turn that did not end well before the same calls again; it doubles each
        time, up to ``longest``.
    """

    retrain: Rule | Sequence[Rule] | None = None
    on_data: bool = True
    window: str = "7d"
    turns: int = 6
    per: str = "1d"
    pause: str = "1m"
    longest: str = "6h"

    def __post_init__(self) -> None:
        check(self, least={"turns": 1})
        for name in ("window", "per", "pause", "longest"):
            duration(getattr(self, name), f"Feedback, {name}")
        if self.retrain is not None:
            object.__setattr__(self, "retrain", self.rules)

    @property
    def rules(self) -> tuple[Rule, ...]:
        """What calls for a turn, as declared."""
        if self.retrain is None:
            return ()
        return tuple(self.retrain) if isinstance(self.retrain, Sequence) else (self.retrain,)
