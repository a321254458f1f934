"""What may be declared for tuning and training."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from noria.errors import BadLifecycle

SAMPLERS = ("tpe", "grid", "random", "gp")
METRICS = ("roc_auc", "accuracy", "balanced_accuracy", "f1", "log_loss", "rmse", "mae", "r2")


@dataclass(frozen=True)
class Number:
    """A number to vary between ``low`` and ``high``; ``steps`` is how many values a grid takes of it."""

    low: float
    high: float
    log: bool = False
    whole: bool = False
    steps: int = 5

    def __post_init__(self) -> None:
        if not self.low < self.high or (self.log and self.low <= 0):
            raise BadLifecycle(
                f"no numbers between {self.low} and {self.high}", where="search space", do="Give low < high, and > 0 on a log scale."
            )


@dataclass(frozen=True)
class Choice:
    """One of some values."""

    options: tuple[Any, ...]


def loguniform(low: float, high: float) -> Number:
    """A positive number, its logarithm uniform."""
    return Number(low, high, log=True)


def uniform(low: float, high: float) -> Number:
    """A number, uniform."""
    return Number(low, high)


def integer(low: int, high: int) -> Number:
    """A whole number, both ends included."""
    return Number(low, high, whole=True)


def choice(*options: Any) -> Choice:
    """One of these values."""
    if not options:
        raise BadLifecycle("a choice of nothing", where="search space", do="Give at least one option.")
    return Choice(options)


@dataclass(frozen=True)
class Tune:
    """The search for hyper-parameters; an empty space means one candidate with the train function's own.

    Parameters
    ----------
    space
        What may vary, by the name under which the train function receives it.
    sampler
        ``tpe``, ``grid``, ``random`` or ``gp``.
    trials
        How many candidates at most; a grid ends earlier when it is through.
    workers
        Processes that search side by side; 1 is sequential and exactly repeatable.
    metric
        What is optimised on the validation split; None: ``roc_auc`` (``rmse`` in regression).
    timeout_s
        Seconds after which no new trial starts; None: no bound.
    """

    space: Mapping[str, Number | Choice] = field(default_factory=dict)
    sampler: str = "tpe"
    trials: int = 20
    workers: int = 1
    metric: str | None = None
    timeout_s: float | None = None

    def __post_init__(self) -> None:
        if self.sampler not in SAMPLERS:
            raise BadLifecycle(f"no sampler {self.sampler!r}", where="Tune", do=f"Use one of {', '.join(SAMPLERS)}.")
        if self.metric not in (None, *METRICS):
            raise BadLifecycle(f"no metric {self.metric!r}", where="Tune", do=f"Use one of {', '.join(METRICS)}.")
        if self.trials < 1 or self.workers < 1:
            raise BadLifecycle("trials and workers must be 1 or more", where="Tune", do="Correct the numbers.")
        wrong: Sequence[str] = [n for n, v in self.space.items() if not isinstance(v, Number | Choice)]
        if wrong:
            raise BadLifecycle(
                f"{', '.join(wrong)} in the space is no distribution",
                where="Tune",
                do="Use nr.loguniform, nr.uniform, nr.integer or nr.choice.",
            )


@dataclass(frozen=True)
class Train:
    """How the final candidate is packed. ``portable=False`` keeps the Python model even where ONNX would do."""

    portable: bool = True
