"""What may vary, as Optuna's distributions."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import optuna

from noria.train.config import Choice, Number, Tune

Space = Mapping[str, Number | Choice]


def suggest(trial: optuna.Trial, space: Space) -> dict[str, Any]:
    """The trial's value of each parameter."""
    return {name: _suggest(trial, name, what) for name, what in space.items()}


def _suggest(trial: optuna.Trial, name: str, what: Number | Choice) -> Any:
    if isinstance(what, Choice):
        return trial.suggest_categorical(name, what.options)
    if what.whole:
        return trial.suggest_int(name, int(what.low), int(what.high), log=what.log)
    return trial.suggest_float(name, what.low, what.high, log=what.log)


def sampler(tune: Tune, seed: int) -> optuna.samplers.BaseSampler:
    """The search algorithm, seeded."""
    if tune.sampler == "grid":
        return optuna.samplers.GridSampler({name: grid(what) for name, what in tune.space.items()}, seed=seed)
    if tune.sampler == "random":
        return optuna.samplers.RandomSampler(seed=seed)
    if tune.sampler == "gp":
        return optuna.samplers.GPSampler(seed=seed)
    return optuna.samplers.TPESampler(seed=seed)


def grid(what: Number | Choice) -> list[Any]:
    """The values a grid takes of a parameter."""
    if isinstance(what, Choice):
        return list(what.options)
    points = np.geomspace if what.log else np.linspace
    values = points(what.low, what.high, what.steps)
    return sorted({int(round(v)) for v in values}) if what.whole else [float(v) for v in values]


def size(tune: Tune) -> int:
    """How many trials there are to do."""
    if not tune.space:
        return 1
    if tune.sampler != "grid":
        return tune.trials
    return min(tune.trials, int(np.prod([len(grid(what)) for what in tune.space.values()])))
