"""A study on disk: what was tried stays known, whoever is killed.

The file is Optuna's own journal: ``optuna-dashboard FILE`` opens it, also while the search goes on. One process asks
and tells; the workers of a parallel search only report into it.
"""

import fcntl
import os
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Literal

import optuna
from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend
from optuna.trial import FrozenTrial, TrialState

from noria.train import space
from noria.train.config import Tune
from noria.train.trial import RunningTrial, Trial

Direction = Literal["maximize", "minimize"]
NAME = "study"
MISSES = 200  # infeasible points in a row
STATES = {"complete": TrialState.COMPLETE, "pruned": TrialState.PRUNED, "infeasible": TrialState.PRUNED}
optuna.logging.set_verbosity(optuna.logging.ERROR)


@dataclass(frozen=True, slots=True)
class Asked:
    """A point that is to be tried."""

    number: int
    params: dict[str, Any]


class Study:
    """The trials of one search, kept in a file.

    A trial that was begun and not told is asked again, the same point under the same number. With one worker the
    points depend on the seed, the trials before and the number alone, so that a search that was killed and goes on
    makes the trials that it would have made.

    Parameters
    ----------
    file
        The journal. A search that ended (``finish``) is begun anew, any other goes on.
    direction
        ``maximize`` or ``minimize``.
    """

    def __init__(self, file: Path, tune: Tune, direction: Direction, seed: int) -> None:
        self.file = file
        self._open(_fresh(file), tune, direction, seed)
        for point in self._points[len(self._study.get_trials(deepcopy=False)) :]:
            self._study.enqueue_trial(point)

    def _open(self, storage: JournalStorage, tune: Tune, direction: Direction, seed: int) -> None:
        self._tune, self._direction, self._seed = tune, direction, seed
        self._ranges = space.distributions(tune.space)
        self._points = space.points(tune, seed) if tune.sampler == "grid" else []
        self._storage = storage
        self._study = optuna.create_study(
            study_name=NAME, storage=self._storage, direction=direction, load_if_exists=True
        )

    def done(self) -> list[Trial]:
        """What was tried before, by number."""
        return [_told(one) for one in self._study.get_trials(deepcopy=False) if one.state.is_finished()]

    def left(self) -> Iterator[Asked]:
        """What was begun before and not told."""
        for one in self._study.get_trials(deepcopy=False, states=(TrialState.RUNNING,)):
            yield Asked(one.number, self._params(one))

    def ask(self) -> Asked:
        """A point to try.

        Raises
        ------
        BadLifecycle
            If the declared rule calls every point infeasible.
        """
        for _ in range(MISSES):
            number = self._next()
            self._study.sampler = space.sampler(self._tune, self._seed, number)
            asked = self._study.ask(self._ranges)
            found = Asked(asked.number, dict(asked.params))
            if space.feasible(self._tune, found.params):
                return found
            self.tell(Trial(found.number, found.params, None, "infeasible", None, 0.0, 0.0))
        raise space.nothing_feasible(f"none of {MISSES:,} points in a row")

    def tell(self, trial: Trial) -> None:
        """What came out; from now on it is not tried again."""
        id = self._id(trial.number)
        for step in trial.reported.keys() - self._storage.get_trial(id).intermediate_values.keys():
            self._storage.set_trial_intermediate_value(id, step, trial.reported[step])
        for name in ("state", "message", "seconds", "memory_mb"):
            self._storage.set_trial_user_attr(id, name, getattr(trial, name))
        self._study.tell(trial.number, trial.value, state=STATES.get(trial.state, TrialState.FAIL))

    def finish(self) -> None:
        """The search has ended and its result is kept elsewhere: the next one in this file begins anew."""
        self._study.set_user_attr("finished", True)

    def _next(self) -> int:
        trials = self._study.get_trials(deepcopy=False)
        return next((one.number for one in trials if one.state == TrialState.WAITING), len(trials))

    def _id(self, number: int) -> int:
        return self._storage.get_trial_id_from_study_id_trial_number(self._storage.get_study_id_from_name(NAME), number)

    def _params(self, trial: FrozenTrial) -> dict[str, Any]:
        """The point of a trial; who was killed while asking wrote only part of it, and the rest is asked again."""
        if trial.params.keys() == self._ranges.keys():
            return dict(trial.params)
        found = self._points[trial.number] if self._points else self._again(trial)
        for name, value in found.items():
            if name not in trial.params:
                what = self._ranges[name]
                self._storage.set_trial_param(self._id(trial.number), name, what.to_internal_repr(value), what)
        return found

    def _again(self, trial: FrozenTrial) -> dict[str, Any]:
        sampler = space.sampler(self._tune, self._seed, trial.number)
        study = optuna.create_study(direction=self._direction, sampler=sampler)
        study.add_trials([one for one in self._study.trials if one.number < trial.number])
        return dict(study.ask(self._ranges).params)


@cache
def judge_of(file: str, pruner: str) -> optuna.Study:
    """The study as a worker sees it, to report into and to be judged by; one a process."""
    storage, sampler = _journal(Path(file)), optuna.samplers.RandomSampler()
    return optuna.load_study(study_name=NAME, storage=storage, sampler=sampler, pruner=space.PRUNERS[pruner]())


def running(file: str, pruner: str | None, asked: Asked) -> RunningTrial:
    """The trial as the train function sees it."""
    if pruner is None:
        return RunningTrial(asked.number, asked.params)
    study = judge_of(file, pruner)
    id = next(one._trial_id for one in study.get_trials(deepcopy=False) if one.number == asked.number)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return RunningTrial(asked.number, asked.params, optuna.Trial(study, id))


def _told(one: FrozenTrial) -> Trial:
    kept = one.user_attrs
    value = one.value if kept["state"] == "complete" else None
    reported = {} if kept["state"] == "infeasible" else dict(one.intermediate_values)
    rest = kept["state"], kept["message"], kept["seconds"], kept["memory_mb"]
    return Trial(one.number, dict(one.params), value, *rest, reported)


def _fresh(file: Path) -> JournalStorage:
    """The journal, without what a killed writer left half written; empty if its search had ended."""
    file.parent.mkdir(parents=True, exist_ok=True)
    if file.exists():
        _mend(file)
        storage = _journal(file)
        ended = [one for one in storage.get_all_studies() if one.user_attrs.get("finished")]
        if not ended:
            return storage
        file.unlink()
    judge_of.cache_clear()
    return _journal(file)


def _mend(file: Path) -> None:
    data = file.read_bytes()
    whole = data.rfind(b"\n") + 1
    if whole != len(data):
        os.truncate(file, whole)


def _journal(file: Path) -> JournalStorage:
    return JournalStorage(JournalFileBackend(str(file), lock_obj=_Lock(file)))  # type: ignore[arg-type]


class _Lock:
    """A lock that the system takes back from who is killed; Optuna's own would be waited for."""

    def __init__(self, file: Path) -> None:
        self._file, self._held = file.with_suffix(".lock"), -1

    def acquire(self) -> bool:
        self._held = os.open(self._file, os.O_CREAT | os.O_RDWR, 0o644)
        fcntl.flock(self._held, fcntl.LOCK_EX)
        return True

    def release(self) -> None:
        os.close(self._held)
