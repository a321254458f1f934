"""A study: candidates tried one after the other, or in several processes that share one copy of the features."""

import resource
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import FIRST_COMPLETED, Future, wait
from dataclasses import asdict, dataclass
from time import monotonic, perf_counter
from typing import Any

import optuna

from noria.errors import NoriaError
from noria.model.signature import Signature
from noria.stats.metrics import METRICS
from noria.train import fit, space
from noria.train.config import Tune


@dataclass(frozen=True, slots=True)
class Job:
    """All that a process needs to try a candidate."""

    function: Callable[..., Any] | None
    task: str
    seed: int
    metric: str
    signature: Signature
    train: fit.Files
    validation: fit.Files


@dataclass(frozen=True, slots=True)
class Trial:
    """One candidate. ``state`` is ``complete``, ``undefined`` (the metric is NaN) or ``failed``."""

    number: int
    params: Mapping[str, Any]
    value: float | None
    state: str
    message: str | None
    seconds: float
    memory_mb: float

    def found(self) -> dict[str, Any]:
        """What came out: the same each time it is tried."""
        found = {**asdict(self), "params": dict(self.params)}
        return {name: value for name, value in found.items() if name not in ("seconds", "memory_mb")}

    def cost(self) -> dict[str, Any]:
        """What it took, measured: seconds, and the process's peak memory in MiB."""
        return {"number": self.number, "seconds": self.seconds, "memory_mb": self.memory_mb}


def attempt_one(job: Job, number: int, params: Mapping[str, Any]) -> Trial:
    """Fit and measure one candidate; what goes wrong is in the trial."""
    began = perf_counter()
    value: float | None = None
    state, message = "complete", None
    try:
        made = fit.make(job.function, params, job.task, job.seed)
        fitted = fit.fit(made, fit.open_part(job.train), params)
        value = fit.measure(fitted, fit.open_part(job.validation), job.signature, job.metric)
        if value != value:
            value, state, message = None, "undefined", f"{job.metric} is undefined on the validation split"
    except NoriaError as error:
        state, message = "failed", str(error)
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return Trial(number, dict(params), value, state, message, perf_counter() - began, memory)


def search(tune: Tune, job: Job, seed: int, progress: Callable[[str, float], None]) -> list[Trial]:
    """All trials of a study, in the order of their numbers."""
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    larger = METRICS[job.metric].larger_is_better
    direction: Any = tune.direction or ("maximize" if larger else "minimize")
    study = optuna.create_study(direction=direction, sampler=space.sampler(tune, seed))
    for point in space.points(tune, seed) if tune.sampler == "grid" else ():
        study.enqueue_trial(point)
    run = _sequential if tune.workers == 1 else _parallel
    found: list[Trial] = []
    total = space.size(tune)
    for trial in run(tune, job, study, _Stop(tune, direction, total)):
        found.append(trial)
        value = "–" if trial.value is None else f"{trial.value:.4f}"
        progress(f"trial {len(found)} of {total}: {job.metric} {value}", len(found) / total)
    return sorted(found, key=lambda one: one.number)


def best(trials: list[Trial], tune: Tune, metric: str) -> Trial | None:
    """The best complete trial, the earlier of two equal ones."""
    done = [one for one in trials if one.value is not None]
    if not done:
        return None
    larger = tune.direction == "maximize" if tune.direction else METRICS[metric].larger_is_better
    return min(done, key=lambda one: ((-1 if larger else 1) * float(one.value or 0.0), one.number))


class _Stop:
    """Whether another trial may start: number, time, patience."""

    def __init__(self, tune: Tune, direction: str, total: int) -> None:
        self._tune, self._direction, self._left = tune, direction, total
        self._began, self._best, self._since = monotonic(), None, 0  # type: float, float | None, int

    def may_start(self) -> bool:
        if self._left == 0:
            return False
        if self._tune.timeout is not None and monotonic() - self._began > self._tune.timeout and self._best is not None:
            return False
        if self._tune.patience is not None and self._since >= self._tune.patience:
            return False
        self._left -= 1
        return True

    def saw(self, value: float | None) -> None:
        sign = 1 if self._direction == "maximize" else -1
        if value is not None and (self._best is None or sign * value > sign * self._best):
            self._best, self._since = value, 0
        else:
            self._since += 1


def _sequential(tune: Tune, job: Job, study: optuna.Study, stop: _Stop) -> Iterator[Trial]:
    ranges = space.distributions(tune.space)
    while stop.may_start():
        asked = study.ask(ranges)
        made = attempt_one(job, asked.number, asked.params)
        _tell(study, made, stop)
        yield made


def _parallel(tune: Tune, job: Job, study: optuna.Study, stop: _Stop) -> Iterator[Trial]:
    from joblib.externals.loky import get_reusable_executor  # its processes take functions of a lifecycle file too
    from joblib.externals.loky.process_executor import TerminatedWorkerError

    ranges = space.distributions(tune.space)
    running: dict[Future[Trial], Any] = {}
    again: list[Any] = []
    deaths = 0
    pool = get_reusable_executor(max_workers=tune.workers, timeout=60)
    try:
        while True:
            while len(running) < tune.workers and (again or stop.may_start()):
                asked = again.pop(0) if again else study.ask(ranges)
                running[pool.submit(attempt_one, job, asked.number, asked.params)] = asked
            if not running:
                return
            finished, _ = wait(running, return_when=FIRST_COMPLETED)
            for future in sorted(finished, key=lambda one: int(running[one].number)):
                asked = running.pop(future)
                try:
                    made = future.result()
                except TerminatedWorkerError:
                    # A killed process takes all trials in flight with it: they are done again, each death once.
                    deaths += 1
                    if deaths > 3 * tune.workers:
                        raise
                    again.append(asked)
                    pool = get_reusable_executor(max_workers=tune.workers, timeout=60)
                    continue
                _tell(study, made, stop)
                yield made
    finally:
        pool.shutdown(wait=True, kill_workers=True)


def _tell(study: optuna.Study, made: Trial, stop: _Stop) -> None:
    state = optuna.trial.TrialState.COMPLETE if made.value is not None else optuna.trial.TrialState.FAIL
    study.tell(made.number, made.value, state=state)
    stop.saw(made.value)
