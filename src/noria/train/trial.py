"""A trial: what came out of one candidate, and what the train function may say while it is at it."""

import warnings
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

import optuna

from noria.errors import UserCodeFailed


@dataclass(frozen=True, slots=True)
class Trial:
    """One candidate.

    state
        ``complete``, ``undefined`` (the metric is NaN), ``pruned`` (it was not promising), ``failed``, or
        ``infeasible`` (never tried).
    reported
        Values that it gave before its end, by step.
    seconds, memory_mb
        What it took: wall time, and the largest resident memory of its process in MiB.
    """

    number: int
    params: Mapping[str, Any]
    value: float | None
    state: str
    message: str | None
    seconds: float
    memory_mb: float
    reported: Mapping[int, float] = field(default_factory=dict)

    def found(self) -> dict[str, Any]:
        """What came out: the same each time it is tried."""
        found = {**asdict(self), "params": dict(self.params)}
        found["reported"] = {str(step): value for step, value in self.reported.items()}
        return {name: value for name, value in found.items() if name not in ("seconds", "memory_mb")}

    def cost(self) -> dict[str, Any]:
        """What it took, measured: seconds, and the process's peak memory in MiB."""
        return {"number": self.number, "seconds": self.seconds, "memory_mb": self.memory_mb}


class RunningTrial:
    """What a train function with two parameters gets as the second.

    It takes values of the metric while the model learns, and says whether to go on. In the final training it takes
    them and never says stop.

    Examples
    --------
    >>> trial = RunningTrial(0, {"C": 1.0})
    >>> trial.report(0.7, step=1)
    >>> trial.should_prune()
    False
    """

    def __init__(self, number: int, params: Mapping[str, Any], judge: optuna.Trial | None = None) -> None:
        self.number, self.params = number, dict(params)
        self.reported: dict[int, float] = {}
        self._judge = judge

    @property
    def listens(self) -> bool:
        """Whether a report can end it; if not, who has to compute one need not."""
        return self._judge is not None

    def report(self, value: float, step: int) -> None:
        """The metric's value after that step (an epoch, a tree; 0 or more); each step counts once."""
        if step < 0:
            raise UserCodeFailed(f"trial.report(step={step})", where="train", do="Count steps from 0.")
        self.reported.setdefault(int(step), float(value))
        if self._judge is not None and value == value:
            with warnings.catch_warnings():  # a trial that is done again after a kill has reported this step before
                warnings.simplefilter("ignore")
                self._judge.report(float(value), int(step))

    def should_prune(self) -> bool:
        """True if other trials were better at this step; then ``raise optuna.TrialPruned``."""
        return self._judge is not None and self._judge.should_prune()

    def check(self, value: float, step: int) -> None:
        """Report, and end the trial if it is not promising."""
        self.report(value, step)
        if self.should_prune():
            raise optuna.TrialPruned
