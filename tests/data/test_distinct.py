"""A sample of values by their hashes: the same on every machine, and it merges exactly."""

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from noria.data import distinct

TEXTS = [0, 17360999193197444373, 12444133203458071961, 1348047167962039829]
NUMBERS = [0, 0, 16657480027015623784]


@settings(deadline=None)
@given(st.lists(st.text(max_size=5) | st.text("ab", min_size=250, max_size=260), max_size=20))
def test_a_text_has_the_same_hash_alone_and_among_others(texts: list[str]) -> None:
    together = distinct.of_texts(pl.Series(texts, dtype=pl.String))
    assert together.tolist() == [distinct.of_texts(pl.Series([text]))[0] for text in texts]
    assert len(set(together.tolist())) == len(set(texts))


def test_the_hashes_are_what_they_were_in_the_profiles_that_are_kept() -> None:
    texts = distinct.of_texts(pl.Series(["", "a", "ä", "x" * 300]))
    assert texts.tolist() == TEXTS
    assert distinct.of_numbers(np.array([0.0, -0.0, 1.5])).tolist() == NUMBERS


def test_many_texts_are_hashed_in_parts_and_no_two_alike() -> None:
    texts = pl.select("value number " + pl.int_range(200_000).cast(pl.String)).to_series()
    hashes = distinct.of_texts(texts)
    assert len(np.unique(hashes)) == len(texts)
    assert hashes[123_456] == distinct.of_texts(texts[123_456:123_457])[0]
    assert np.mean(hashes < np.uint64(1 << 63)) == pytest.approx(0.5, abs=0.01)


@given(st.lists(st.integers(-(2**63), 2**63 - 1), min_size=1))
def test_integers_are_told_apart_and_have_the_hash_of_the_float_they_are_equal_to(numbers: list[int]) -> None:
    hashes = distinct.of_wholes(np.array(numbers))
    assert len(set(hashes.tolist())) == len(set(numbers))
    for number, found in zip(numbers, hashes.tolist()):
        if int(float(number)) == number:
            assert found == distinct.of_numbers(np.array([float(number)]))[0]


def test_an_integer_has_the_same_hash_whatever_its_type_and_its_neighbours() -> None:
    for number in (5, 2**53 + 1, 2**53 + 2, 2**62 + 1, 2**63 - 1):
        alone = distinct.of_wholes(np.array([number], dtype=np.int64))
        assert distinct.of_wholes(np.array([number, 2**64 - 1], dtype=np.uint64))[0] == alone[0]


def test_what_two_sets_have_in_common_and_what_is_repeated_is_estimated() -> None:
    def sample(first: int, last: int, rows: int = 1) -> dict[int, int]:
        hashes = distinct.of_numbers(np.arange(first, last, dtype=np.float64)).tolist()
        return distinct.merge(dict.fromkeys(hashes, rows), {})

    assert distinct.common(sample(0, 20_000), sample(15_000, 25_000)) == pytest.approx(0.5, abs=0.08)
    assert distinct.common(sample(0, 20_000), sample(0, 10)) in (0, 1)
    assert distinct.common({}, {}) == distinct.repeated({}) == 0
    both = distinct.merge(sample(0, 20_000), sample(15_000, 25_000))
    assert distinct.repeated(both) == pytest.approx(0.2, abs=0.05)
    assert distinct.estimate(both) == pytest.approx(25_000, rel=4 * distinct.ERROR)
    assert distinct.estimate(sample(0, 999)) == 999
