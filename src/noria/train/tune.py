"""A study: candidates tried one after the other, or in several processes that share one copy of the features."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from time import monotonic, perf_counter
from typing import Any

import optuna

from noria.errors import Failure, NoriaError
from noria.model.signature import Signature
from noria.model.stable import pickled, unpickled
from noria.peak import Peak
from noria.stats.metrics import METRICS
from noria.train import fit, space
from noria.train.arrays import Files, open_part
from noria.train.config import Tune
from noria.train.shared import Shared
from noria.train.study import Asked, Direction, Study, running
from noria.train.trial import RunningTrial, Trial
from noria.train.watch import Watch
from noria.train.workers import Workers


@dataclass(frozen=True, slots=True)
class Job:
    """All that a process needs to try a candidate."""

    function: Callable[..., Any] | None
    task: str
    seed: int
    metric: str
    signature: Signature
    train: Files
    validation: Files
    study: str
    pruner: str | None = None
    how: fit.How = field(default_factory=fit.How)


def attempt_one(job: Job, asked: Asked, trial: RunningTrial | None = None) -> Trial:
    """Fit and measure one candidate; what goes wrong is in the trial."""
    began, peak = perf_counter(), Peak()
    value: float | None = None
    state, message = "complete", None
    trial = trial or running(job.study, job.pruner, asked)
    try:
        value = _value(job, asked, trial)
        if value != value:
            value, state, message = None, "undefined", f"{job.metric} is undefined on the validation split"
    except optuna.TrialPruned:
        state, message = "pruned", f"not promising after step {max(trial.reported, default=0)}"
    except NoriaError as error:
        state, message = "failed", str(error)
    seconds = perf_counter() - began
    return Trial(asked.number, asked.params, value, state, message, seconds, peak.mb(), trial.reported)


def _value(job: Job, asked: Asked, trial: RunningTrial) -> float:
    validation = open_part(job.validation)
    watch = Watch(trial, validation, job.signature, job.metric)
    made = fit.make(job.function, asked.params, job.task, job.seed, trial=trial, threads=job.how.threads)
    fitted = fit.fit(made, open_part(job.train), asked.params, job.how, watch)
    return fit.measure(fitted, validation, job.signature, job.metric)


def _in_worker(job: bytes, asked: Asked) -> Trial:
    """One trial in another process, which gets the user's code by value."""
    loaded: Job = _job(job)
    return attempt_one(loaded, asked)


@lru_cache(maxsize=1)
def _job(job: bytes) -> Any:
    return unpickled(job)


def search(tune: Tune, job: Job, seed: int, progress: Callable[[str, float], None]) -> tuple[list[Trial], Study]:
    """All trials of a study, in the order of their numbers, and the study itself; call its ``finish`` when they are
    safe elsewhere. What the study's file already knows is not tried again."""
    direction = direction_of(tune, job.metric)
    total = space.size(tune)
    study = Study(Path(job.study), tune, direction, seed)
    found = study.done()
    stop = _Stop(tune, direction, total)
    for trial in found:
        stop.knows(trial)
    tried = [one for one in found if one.state != "infeasible"]
    if tried:
        progress(f"{len(tried)} of {total} trials were done before", len(tried) / total)
    for trial in (_sequential if tune.workers == 1 else _parallel)(tune, job, study, stop):
        tried.append(trial)
        value = trial.state if trial.value is None else f"{job.metric} {trial.value:.4f}"
        progress(f"trial {len(tried)} of {total}: {value}", len(tried) / total)
    return sorted(study.done(), key=lambda one: one.number), study


def share(tune: Tune, job: Job, study: Shared, progress: Callable[[str, float], None]) -> int:
    """Try candidates of a search that others share, until none is left to be started: how many were tried here.

    What it had begun before it was killed comes first; then, before each, it is looked at what all have found so far.
    """
    total, tried, left = space.size(tune), 0, list(study.left())
    while True:
        stop = _Stop(tune, direction_of(tune, job.metric), total - study.under_way())
        for trial in study.done():
            stop.knows(trial)
        asked = left.pop(0) if left else study.next(total) if stop.may_start() else None
        if asked is None:
            return tried
        made = attempt_one(job, asked, study.running(asked, job.pruner))
        study.tell(made)
        tried += 1
        value = made.state if made.value is None else f"{job.metric} {made.value:.4f}"
        progress(f"trial {made.number}: {value}", min(1.0, len(study.done()) / total))


def direction_of(tune: Tune, metric: str) -> Direction:
    """What is better: as declared, or as it is for the metric."""
    larger = METRICS[metric].larger_is_better
    return "maximize" if (tune.direction == "maximize" if tune.direction else larger) else "minimize"


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
        if self._left <= 0:
            return False
        if self._tune.timeout is not None and monotonic() - self._began > self._tune.timeout and self._best is not None:
            return False
        if self._tune.patience is not None and self._since >= self._tune.patience:
            return False
        self._left -= 1
        return True

    def knows(self, trial: Trial) -> None:
        """A trial of an earlier attempt at this search: its time counts too."""
        if trial.state != "infeasible":
            self._left -= 1
            self._began -= trial.seconds / self._tune.workers
            self.saw(trial.value)

    def saw(self, value: float | None) -> None:
        sign = 1 if self._direction == "maximize" else -1
        if value is not None and (self._best is None or sign * value > sign * self._best):
            self._best, self._since = value, 0
        else:
            self._since += 1


def _sequential(tune: Tune, job: Job, study: Study, stop: _Stop) -> Iterator[Trial]:
    left = list(study.left())
    while stop.may_start():
        made = attempt_one(job, left.pop(0) if left else study.ask())
        _tell(study, made, stop)
        yield made


def _parallel(tune: Tune, job: Job, study: Study, stop: _Stop) -> Iterator[Trial]:
    with Workers[Asked](job.how.threads) as workers:  # they start while the rest is prepared
        packed = pickled(job)
        left, killed, deaths = list(study.left()), list[Asked](), 0
        while True:
            while workers.busy < tune.workers and (killed or stop.may_start()):
                asked = killed.pop(0) if killed else left.pop(0) if left else study.ask()
                workers.call(asked, _in_worker, packed, asked)
            if not workers.busy:
                return
            for asked, outcome in sorted(workers.done(), key=lambda one: one[0].number):
                if outcome is None:  # its process was killed: the trial is done again
                    deaths += 1
                    if deaths > 3 * tune.workers:
                        raise _dying(deaths, asked)
                    killed.append(asked)
                    continue
                if outcome.error is not None:
                    raise outcome.error
                _tell(study, outcome.value, stop)
                yield outcome.value


def _dying(deaths: int, asked: Asked) -> Failure:
    return Failure(
        f"{deaths} worker processes were killed, the last one in trial {asked.number}",
        where="tune",
        do="See if the machine runs out of memory; use fewer Tune(workers=…), or less of it: Train(batches=…).",
    )


def _tell(study: Study, made: Trial, stop: _Stop) -> None:
    study.tell(made)
    stop.saw(made.value)
