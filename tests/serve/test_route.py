"""Routing: weights and a key give a version."""

from math import sqrt

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from noria.serve.route import Split

VERSIONS = st.integers(1, 1000).map(str)
WEIGHTS = st.dictionaries(VERSIONS, st.integers(0, 1000), min_size=1, max_size=6).filter(lambda w: any(w.values()))
SALTS = st.text(alphabet="0123456789abcdef", min_size=1, max_size=16)
KEYS = [f"subject {number}" for number in range(2000)]


@given(WEIGHTS, SALTS, st.lists(st.text(), min_size=1), st.randoms())
def test_a_key_always_gets_the_same_version_and_one_that_has_a_weight(weights, salt, keys, random) -> None:
    shuffled = list(weights.items())
    random.shuffle(shuffled)
    first, second = Split.of(weights, salt), Split.of(dict(shuffled), salt)
    chosen = [first.choose(key) for key in keys]
    assert chosen == [second.choose(key) for key in keys]
    assert all(weights[str(number)] > 0 for number in chosen)


@given(WEIGHTS, SALTS)
@settings(max_examples=50)
def test_each_version_gets_its_share_of_the_keys(weights, salt) -> None:
    split = Split.of(weights, salt)
    chosen = [split.choose(key) for key in KEYS]
    for number, weight in weights.items():
        expected = weight / sum(weights.values())
        spread = 6 * sqrt(len(KEYS) * expected * (1 - expected))  # six sigma: a false alarm in a billion
        assert abs(chosen.count(int(number)) - len(KEYS) * expected) <= spread + 1e-6


@given(WEIGHTS, SALTS, VERSIONS, st.integers(1, 1000))
@settings(max_examples=50)
def test_among_any_number_of_versions_a_raised_weight_moves_keys_to_that_version_and_nowhere_else(
    weights, salt, raised, by
) -> None:
    before, after = Split.of(weights, salt), Split.of({**weights, raised: weights.get(raised, 0) + by}, salt)
    for key in KEYS[:500]:
        assert after.choose(key) in (before.choose(key), int(raised))
        assert before.choose(key) != int(raised) or after.choose(key) == int(raised)


def test_two_salts_divide_the_same_keys_independently() -> None:
    one, other = (Split.of({"1": 50, "2": 50}, salt) for salt in ("a", "b"))
    same = sum(one.choose(key) == other.choose(key) for key in KEYS)
    assert abs(same - len(KEYS) / 2) < 6 * sqrt(len(KEYS) / 4)


@pytest.mark.parametrize("weights", [{}, {"1": 0}])
def test_weights_that_are_all_zero_are_refused(weights) -> None:
    with pytest.raises(ValueError, match="above zero"):
        Split.of(weights, "salt")


@pytest.mark.parametrize("share", [0.02, 0.5, 1.0])
def test_chance_gives_its_share_of_requests_to_each_version_alike_whatever_the_weights(share) -> None:
    split = Split.of({"1": 98, "2": 1, "3": 1}, "salt", share)
    many = 20_000
    drawn = [split.drawn(f"id {number}") for number in range(many)]
    assert drawn == [split.drawn(f"id {number}") for number in range(many)], "the id tells it, also afterwards"
    for number in (1, 2, 3):
        expected = many * share / 3
        assert abs(drawn.count(number) - expected) < 6 * sqrt(expected)


def test_without_a_share_or_a_choice_chance_decides_nothing() -> None:
    for split in (Split.of({"1": 50, "2": 50}, "salt"), Split.of({"1": 100, "2": 0}, "salt", 1.0)):
        assert split.explore == 0
        assert {split.drawn(f"id {number}") for number in range(1000)} == {None}
