"""What may vary, as the search sees it."""

from itertools import product
from math import prod
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution

from noria.errors import BadLifecycle
from noria.train import config, space
from noria.train.config import Tune, choice, integer, loguniform, uniform

BOUNDS = st.tuples(st.integers(1, 1000), st.integers(1, 1000)).filter(lambda both: both[0] < both[1])
RANGES = st.one_of(
    BOUNDS.map(lambda both: uniform(both[0] / 7, both[1] / 7)),
    BOUNDS.map(lambda both: loguniform(both[0] / 7, both[1] / 7)),
    st.tuples(BOUNDS, st.integers(1, 50)).map(lambda one: integer(*one[0], step=one[1])),
    BOUNDS.map(lambda both: integer(*both, log=True)),
    st.lists(st.integers(-5, 5) | st.sampled_from(["a", "b"]), min_size=1, max_size=4, unique=True).map(choice),
)


def test_each_range_is_the_distribution_it_names() -> None:
    declared = {
        "u": uniform(-1, 2),
        "l": loguniform(1e-3, 1e2),
        "i": integer(1, 8, step=3),
        "n": integer(2, 64, log=True),
        "c": choice("gini", None, True, 2),
    }
    assert space.distributions(declared) == {
        "u": FloatDistribution(-1, 2),
        "l": FloatDistribution(1e-3, 1e2, log=True),
        "i": IntDistribution(1, 7, step=3),
        "n": IntDistribution(2, 64, log=True),
        "c": CategoricalDistribution(["gini", None, True, 2]),
    }


@settings(deadline=None)
@given(RANGES)
def test_every_value_of_a_grid_is_allowed_and_both_ends_are_tried(what: Any) -> None:
    values = space.grid(what)
    [distribution] = space.distributions({"x": what}).values()
    assert all(distribution._contains(distribution.to_internal_repr(value)) for value in values)
    assert len(set(map(str, values))) == len(values)
    if not isinstance(what, config.Choice):
        assert len(values) <= space.POINTS
        assert (values[0], values[-1]) == (distribution.low, distribution.high)


@settings(deadline=None)
@given(st.dictionaries(st.sampled_from("abc"), RANGES, min_size=1, max_size=3), st.integers(1, 200))
def test_a_grid_is_every_combination_once_or_as_many_as_there_are_trials(ranges: dict[str, Any], trials: int) -> None:
    tune = Tune(ranges, sampler="grid", trials=trials)
    assume(prod(len(space.grid(what)) for what in ranges.values()) < 500)
    found = [tuple(point.values()) for point in space.points(tune, 0)]
    everything = set(product(*(space.grid(what) for what in ranges.values())))
    assert len(found) == len(set(found)) == space.size(tune) == min(trials, len(everything))
    assert set(found) <= everything
    assert space.points(tune, 0) == space.points(tune, 0)


def test_without_a_space_there_is_one_trial() -> None:
    assert [space.size(Tune(sampler=sampler)) for sampler in config.SAMPLERS] == [1] * 4


@pytest.mark.parametrize(
    "make",
    [
        lambda: uniform(2, 1),
        lambda: loguniform(0, 1),
        lambda: integer(1, 9, step=0),
        lambda: integer(1, 9, step=2, log=True),
        lambda: choice(),
        lambda: choice([{}]),
        lambda: Tune({"C": 1.0}),
        lambda: Tune(sampler="luck"),
        lambda: Tune(metric="beauty"),
        lambda: Tune(direction="up"),
        lambda: Tune(trials=0),
        lambda: Tune(workers=0),
        lambda: Tune(timeout=0),
        lambda: Tune(patience=-1),
    ],
)
def test_an_impossible_search_is_refused_with_the_way_out(make: Any) -> None:
    with pytest.raises(BadLifecycle) as caught:
        make()
    assert caught.value.where
    assert caught.value.do
