"""What may be declared about the search for parameters and the training."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from noria.declared import check
from noria.errors import BadLifecycle
from noria.stats.names import METRICS

SAMPLERS = ("tpe", "grid", "random", "gp")
PRUNERS = ("median", "halving")


@dataclass(frozen=True, slots=True)
class Real:
    """A number between two bounds; ``log``: tried evenly in its magnitude."""

    low: float
    high: float
    log: bool = False

    def __post_init__(self) -> None:
        check(self)
        _check_range(self.low, self.high, self.log)


@dataclass(frozen=True, slots=True)
class Whole:
    """A whole number between two bounds, both possible."""

    low: int
    high: int
    step: int = 1
    log: bool = False

    def __post_init__(self) -> None:
        check(self)
        _check_range(self.low, self.high, self.log)
        if self.step < 1 or (self.log and self.step != 1):
            raise BadLifecycle(f"step {self.step} is not possible", where="integer", do="Use step=1.")


@dataclass(frozen=True, slots=True)
class Choice:
    """One of several values."""

    options: tuple[str | int | float | bool | None, ...]

    def __post_init__(self) -> None:
        if not self.options:
            raise BadLifecycle("a choice of nothing", where="choice", do="Give at least one option.")
        for option in self.options:
            if option is not None and not isinstance(option, str | int | float | bool):
                raise BadLifecycle(f"{option!r} cannot be an option", where="choice", do="Use texts and numbers.")


Range = Real | Whole | Choice


def uniform(low: float, high: float) -> Real:
    """A number between ``low`` and ``high``."""
    return Real(low, high)


def loguniform(low: float, high: float) -> Real:
    """A number between ``low`` and ``high``, tried evenly in its magnitude.

    Examples
    --------
    >>> loguniform(1e-3, 1e2)
    Real(low=0.001, high=100.0, log=True)
    """
    return Real(low, high, log=True)


def integer(low: int, high: int, step: int = 1, log: bool = False) -> Whole:
    """A whole number between ``low`` and ``high``, both possible."""
    return Whole(low, high, step, log)


def choice(*options: str | int | float | bool | Sequence[str | int | float | bool | None] | None) -> Choice:
    """One of these values, given one by one or as one list.

    Examples
    --------
    >>> choice("gini", "entropy") == choice(["gini", "entropy"])
    True
    """
    if len(options) == 1 and isinstance(options[0], Sequence) and not isinstance(options[0], str):
        return Choice(tuple(options[0]))
    return Choice(options)  # type: ignore[arg-type]  # the class checks each


@dataclass(frozen=True)
class Tune:
    """A search for the best parameters; without a space there is one trial, with no parameters.

    Parameters
    ----------
    space
        What may vary, by parameter name, such as ``{"C": nr.loguniform(1e-3, 1e2)}``.
    sampler
        ``tpe``, ``grid``, ``random`` or ``gp``.
    trials
        How many at most; a grid is tried as a whole where it has fewer points.
    workers
        Processes that try at once. One: the same trials every time.
    metric
        What is to be best on the validation split; None: ``roc_auc``, or ``rmse`` for regression.
    direction
        ``maximize`` or ``minimize``; None: what is better for that metric.
    timeout
        Seconds after which no trial starts; None: no bound.
    patience
        Trials without a better value after which no trial starts; None: no bound.
    pruner
        ``median`` or ``halving`` end a trial early whose reports fall behind those of others; None: every trial is
        done to its end. LightGBM, XGBoost, PyTorch and what learns by mini-batches report by themselves.
    feasible
        A function of the parameters that says False for points not to be tried; None: all may be.

    Examples
    --------
    >>> Tune({"a": uniform(0, 1), "b": uniform(0, 1)}, feasible=lambda params: params["a"] < params["b"]).trials
    30
    """

    space: Mapping[str, Range] = field(default_factory=dict)
    sampler: str = "tpe"
    trials: int = 30
    workers: int = 1
    metric: str | None = None
    direction: str | None = None
    timeout: float | None = None
    patience: int | None = None
    pruner: str | None = None
    feasible: Callable[[dict[str, Any]], bool] | None = None

    def __post_init__(self) -> None:
        check(self, least={"trials": 1, "workers": 1})
        for name, values in self.space.items():
            if not isinstance(values, Real | Whole | Choice):
                raise BadLifecycle(
                    f"the space of {name!r} is {values!r}", where="Tune", do="Write for example nr.choice([1, 2])."
                )
        if self.sampler not in SAMPLERS:
            raise BadLifecycle(f"unknown sampler {self.sampler!r}", where="Tune", do=f"Use {', '.join(SAMPLERS)}.")
        if self.pruner not in (None, *PRUNERS):
            raise BadLifecycle(f"unknown pruner {self.pruner!r}", where="Tune", do=f"Use {', '.join(PRUNERS)} or None.")
        if self.metric not in (None, *METRICS):
            raise BadLifecycle(f"unknown metric {self.metric!r}", where="Tune", do=f"Use {', '.join(METRICS)}.")
        if self.direction not in (None, "maximize", "minimize"):
            raise BadLifecycle(f"direction {self.direction!r}", where="Tune", do="Use 'maximize' or 'minimize'.")
        for name in ("timeout", "patience"):
            value = getattr(self, name)
            if value is not None and value <= 0:
                raise BadLifecycle(f"{name} is {value}", where="Tune", do="Use a positive number or None.")


@dataclass(frozen=True)
class Train:
    """How candidates are fitted, and the final one is kept.

    Parameters
    ----------
    onnx
        Convert to ONNX where it gives the same answers.
    tolerance
        Largest difference of a probability (or, relatively, of a value) that counts as the same answer.
    batches
        Rows of a mini-batch, for estimators with ``partial_fit`` and for LightGBM, which makes its bins from them.
        None: all rows at once, or 65,536 where they take more than the step's declared memory.
    epochs
        Passes over the rows by ``partial_fit``.
    processes
        Processes that train the final candidate together, each with its share of the rows: PyTorch and LightGBM can.
    """

    onnx: bool = True
    tolerance: float = 1e-4
    batches: int | None = None
    epochs: int = 1
    processes: int = 1

    def __post_init__(self) -> None:
        check(self, least={"batches": 1, "epochs": 1, "processes": 1})

    def fitting(self) -> dict[str, int | None]:
        """What of it changes how every candidate is fitted, those of a search too."""
        return {"batches": self.batches, "epochs": self.epochs}


def _check_range(low: float, high: float, log: bool) -> None:
    if not low < high:
        raise BadLifecycle(f"{low} is not below {high}", where="space", do="Swap the bounds or use nr.choice.")
    if log and low <= 0:
        raise BadLifecycle(f"{low} has no logarithm", where="space", do="Start above 0 or use uniform.")
