"""A search that several machines share: its journal is rows of the metadata store, which all of them reach.

Each part asks for points with a seed of its own, and knows what all have tried. Nobody distributes the work: a part
that is lost leaves trials begun, which it takes up again, or else who puts the search together.
"""

import warnings
from collections.abc import Iterable, Iterator
from typing import Any

import optuna
from optuna.storages import JournalStorage
from optuna.storages.journal import BaseJournalBackend
from optuna.trial import TrialState
from sqlalchemy import Connection

from noria.store import studies
from noria.store.engine import Store
from noria.train import space
from noria.train.config import Tune
from noria.train.study import MISSES, NAME, Asked, Direction, Study
from noria.train.trial import RunningTrial, Trial

POINT, OWNER = "point", "part"  # what a trial is marked with: its place in the grid, and which part began it
WHOLE = 0  # the number of who puts the search together


class Rows(BaseJournalBackend):
    """Optuna's journal in the metadata store."""

    def __init__(self, store: Store, name: str) -> None:
        self._store, self._name = store, name

    def read_logs(self, log_number_from: int) -> Iterable[dict[str, Any]]:
        with self._store.read() as c:
            return studies.read(c, self._name, log_number_from)

    def append_logs(self, logs: list[dict[str, Any]]) -> None:
        with self._store.begin() as c:
            studies.append(c, self._name, logs)


class Shared(Study):
    """One part's view of a shared search.

    Parameters
    ----------
    name
        Of the search in the store.
    part, parts
        Which part this is, from 1, and of how many; part 0 takes up what others have begun, too.
    """

    def __init__(
        self, store: Store, name: str, tune: Tune, direction: Direction, seed: int, part: int, parts: int
    ) -> None:
        self._name, self._part, self._parts = name, part, parts
        self._open(JournalStorage(Rows(store, name)), tune, direction, seed)

    @staticmethod
    def begun(store: Store, name: str) -> bool:
        """Whether any part has begun this search."""
        with store.read() as c:
            return bool(studies.read(c, name, 0))

    def left(self) -> Iterator[Asked]:
        """What this part had begun and not told; part 0: what any had."""
        for one in self._study.get_trials(deepcopy=False, states=(TrialState.RUNNING,)):
            mine = self._part in (WHOLE, one.user_attrs.get(OWNER))
            if mine and one.params.keys() == self._ranges.keys():
                yield Asked(one.number, dict(one.params))
            elif mine:  # killed while it asked: no point is lost, there will be another
                self._drop(one.number, dict(one.params))

    def under_way(self) -> int:
        """How many trials others are at."""
        running = self._study.get_trials(deepcopy=False, states=(TrialState.RUNNING,))
        return sum(self._part not in (WHOLE, one.user_attrs.get(OWNER)) for one in running)

    def next(self, total: int) -> Asked | None:
        """A point to try; None if ``total`` trials were begun, or the grid is used up.

        Raises
        ------
        BadLifecycle
            If the declared rule calls every point infeasible.
        """
        self._offer()
        for _ in range(MISSES):
            if self._points and not self._study.get_trials(deepcopy=False, states=(TrialState.WAITING,)):
                return None
            asked = self._asked()
            if self._is_surplus(asked.number, total):
                self._drop(asked.number, asked.params)
                return None
            if space.feasible(self._tune, asked.params):
                return asked
            self._drop(asked.number, asked.params)
        raise space.nothing_feasible(f"none of {MISSES:,} points in a row")

    def running(self, asked: Asked, pruner: str | None) -> RunningTrial:
        """The trial as the train function sees it."""
        if pruner is None:
            return RunningTrial(asked.number, asked.params)
        judge = optuna.load_study(
            study_name=NAME, storage=self._storage, sampler=optuna.samplers.RandomSampler(),
            pruner=space.PRUNERS[pruner](),
        )  # fmt: skip
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return RunningTrial(asked.number, asked.params, optuna.Trial(judge, self._id(asked.number)))

    def forget(self, connection: Connection) -> None:
        """The search has ended and its result is kept elsewhere."""
        studies.drop(connection, self._name)

    def _asked(self) -> Asked:
        own = self._next() * (self._parts + 1) + self._part  # no two parts draw the same points
        self._study.sampler = space.sampler(self._tune, self._seed, own)
        asked = self._study.ask(self._ranges)
        asked.set_user_attr(OWNER, self._part)
        return Asked(asked.number, dict(asked.params))

    def _offer(self) -> None:
        """Put this part's points of a grid before all, once; part 0: those that nobody has."""
        there = {one.user_attrs.get(POINT) for one in self._study.get_trials(deepcopy=False)}
        for place, point in enumerate(self._points):
            mine = self._part == WHOLE or place % self._parts == self._part - 1
            if mine and place not in there:
                self._study.enqueue_trial(point, user_attrs={POINT: place})

    def _is_surplus(self, number: int, total: int) -> bool:
        """Two parts may begin the last trial at the same moment: the later one is too many."""
        trials = self._study.get_trials(deepcopy=False)
        if self._points:
            return POINT not in trials[number].user_attrs
        before = [one for one in trials[:number] if one.user_attrs.get("state") != "infeasible"]
        return len(before) >= total

    def _drop(self, number: int, params: dict[str, Any]) -> None:
        self.tell(Trial(number, params, None, "infeasible", None, 0.0, 0.0))
