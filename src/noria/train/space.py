"""What may vary, as Optuna's distributions."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import optuna
from optuna.distributions import (
    BaseDistribution,
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
)

from noria.train.config import Choice, Range, Real, Tune

POINTS = 5  # of a number in a grid


def distributions(space: Mapping[str, Range]) -> dict[str, BaseDistribution]:
    """Optuna's distribution of each parameter."""
    return {name: _distribution(what) for name, what in space.items()}


def _distribution(what: Range) -> BaseDistribution:
    if isinstance(what, Choice):
        return CategoricalDistribution(what.options)
    if isinstance(what, Real):
        return FloatDistribution(what.low, what.high, log=what.log)
    return IntDistribution(what.low, what.high, log=what.log, step=what.step)


def sampler(tune: Tune, seed: int) -> optuna.samplers.BaseSampler:
    """The search algorithm, seeded."""
    if tune.sampler == "grid":
        return optuna.samplers.GridSampler({name: grid(what) for name, what in tune.space.items()}, seed=seed)
    if tune.sampler == "random":
        return optuna.samplers.RandomSampler(seed=seed)
    if tune.sampler == "gp":
        return optuna.samplers.GPSampler(seed=seed)
    # With several workers the liar keeps two of them from trying the same place.
    return optuna.samplers.TPESampler(seed=seed, constant_liar=tune.workers > 1)


def grid(what: Range) -> list[Any]:
    """The values a grid takes of a parameter: all options, or a few points between the bounds."""
    if isinstance(what, Choice):
        return list(what.options)
    points = (np.geomspace if what.log else np.linspace)(what.low, what.high, POINTS)
    if isinstance(what, Real):
        return [min(max(float(v), what.low), what.high) for v in points]
    return sorted({what.low + round((float(v) - what.low) / what.step) * what.step for v in points if v <= what.high})


def size(tune: Tune) -> int:
    """How many trials there are to do."""
    if not tune.space:
        return 1
    if tune.sampler != "grid":
        return tune.trials
    return min(tune.trials, int(np.prod([len(grid(what)) for what in tune.space.values()])))
