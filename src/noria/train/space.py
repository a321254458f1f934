"""What may vary, as Optuna's distributions."""

from collections.abc import Callable, Mapping
from importlib.util import find_spec
from itertools import product
from math import prod
from typing import Any

import numpy as np
import optuna
from optuna.distributions import (
    BaseDistribution,
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
)

from noria.errors import BadLifecycle, UserCodeFailed, UserError
from noria.train.config import Choice, Range, Real, Tune, Whole

POINTS = 5  # of a number in a grid
PRUNERS: Mapping[str, Callable[[], optuna.pruners.BasePruner]] = {
    "median": optuna.pruners.MedianPruner,
    "halving": optuna.pruners.SuccessiveHalvingPruner,
}


def distributions(space: Mapping[str, Range]) -> dict[str, BaseDistribution]:
    """Optuna's distribution of each parameter."""
    return {name: _distribution(what) for name, what in space.items()}


def _distribution(what: Range) -> BaseDistribution:
    if isinstance(what, Choice):
        return CategoricalDistribution(what.options)
    if isinstance(what, Real):
        return FloatDistribution(what.low, what.high, log=what.log)
    return IntDistribution(what.low, _top(what), log=what.log, step=what.step)


def _top(what: Whole) -> int:
    """The largest value that whole steps from the lower bound reach."""
    return what.low + (what.high - what.low) // what.step * what.step


def sampler(tune: Tune, seed: int, number: int = 0) -> optuna.samplers.BaseSampler:
    """The search algorithm, seeded for the trial of that number: it remembers nothing but the trials themselves.

    Raises
    ------
    UserError
        If it needs a library that is not there.
    """
    own = int(np.random.SeedSequence((seed, number)).generate_state(1)[0])
    if tune.sampler in ("grid", "random"):  # a grid's trials are all given beforehand
        return optuna.samplers.RandomSampler(seed=own)
    if tune.sampler == "gp":
        if find_spec("torch") is None:
            do = "Install it: pip install 'noria[torch]', or use sampler='tpe'."
            raise UserError("the sampler gp needs torch", where="Tune", do=do)
        return optuna.samplers.GPSampler(seed=own)
    # With several workers the liar keeps two of them from trying the same place.
    return optuna.samplers.TPESampler(seed=own, constant_liar=tune.workers > 1)


def feasible(tune: Tune, params: Mapping[str, Any]) -> bool:
    """What the declared rule says of a point.

    Raises
    ------
    UserCodeFailed
        If the rule raises.
    """
    if tune.feasible is None:
        return True
    try:
        return bool(tune.feasible(dict(params)))
    except Exception as error:
        what = f"Tune(feasible=…) raised {type(error).__name__}: {error}"
        raise UserCodeFailed(what, where=f"tune, with {dict(params)}", do="Correct the rule.") from error


def nothing_feasible(who: str) -> BadLifecycle:
    """That there is nothing to try."""
    return BadLifecycle(
        f"{who} of the space is feasible", where="Tune(feasible=…)", do="Widen the space or correct the rule."
    )


def grid(what: Range) -> list[Any]:
    """The values a grid takes of a parameter: all options, or a few points between the bounds."""
    if isinstance(what, Choice):
        return list(what.options)
    high = what.high if isinstance(what, Real) else _top(what)
    points = (np.geomspace if what.log else np.linspace)(what.low, high, POINTS)
    if isinstance(what, Real):
        return [min(max(float(v), what.low), what.high) for v in points]
    return sorted({what.low + round((float(v) - what.low) / what.step) * what.step for v in points})


def points(tune: Tune, seed: int) -> list[dict[str, Any]]:
    """The trials of a grid: every combination, or as many as there are to be trials, drawn without favour."""
    values = [grid(what) for what in tune.space.values()]
    everything = [dict(zip(tune.space, one, strict=True)) for one in product(*values)]
    everything = [one for one in everything if feasible(tune, one)]
    if not everything:
        raise nothing_feasible("no point")
    if len(everything) <= tune.trials:
        return everything
    chosen = np.random.default_rng(seed).choice(len(everything), tune.trials, replace=False)
    return [everything[place] for place in sorted(chosen)]


def size(tune: Tune) -> int:
    """How many trials there are to do."""
    if not tune.space:
        return 1
    if tune.sampler != "grid":
        return tune.trials
    if tune.feasible is not None:
        return len(points(tune, 0))
    return min(tune.trials, prod(len(grid(what)) for what in tune.space.values()))
