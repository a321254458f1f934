"""Rows of different lengths are the padded array to whoever looks, and hold no padding."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from noria.model.ragged import Ragged, beside

WIDTHS = st.lists(st.integers(1, 4), min_size=1, max_size=3)


@st.composite
def raggeds(draw: st.DrawFn) -> tuple[Ragged, Any]:
    """Rows of some blocks, and the padded array that they stand for."""
    widths, count = draw(WIDTHS), draw(st.integers(0, 5))
    blocks, padded = [], []
    for width in widths:
        rows = draw(st.lists(st.lists(st.integers(1, 9), max_size=6), min_size=count, max_size=count))
        blocks.append(Ragged.of_lists(rows, width))
        whole = [[*row[:width], *[0] * (width - len(row))] for row in rows]
        padded.append(np.array(whole, dtype=np.int64).reshape(count, width))
    return beside(blocks), np.hstack(padded)


@given(raggeds())
def test_it_is_the_padded_array_in_every_form(made: tuple[Ragged, Any]) -> None:
    rows, padded = made
    assert rows.shape == padded.shape
    assert np.array_equal(rows.toarray(), padded)
    assert np.array_equal(rows.tocsr().toarray(), padded)
    assert np.array_equal(np.asarray(rows, dtype=np.float32), padded)
    assert len(rows.values) == (padded != 0).sum()


@given(raggeds(), st.data())
def test_rows_are_taken_as_from_an_array(made: tuple[Ragged, Any], data: st.DataObject) -> None:
    rows, padded = made
    bound = st.none() | st.integers(-7, 7)
    part = slice(data.draw(bound), data.draw(bound), data.draw(st.sampled_from([None, 1, 2, -1])))
    assert np.array_equal(rows[part].toarray(), padded[part])
    if len(padded):
        some = data.draw(st.lists(st.integers(0, len(padded) - 1), max_size=6))
        assert np.array_equal(rows[some].toarray(), padded[some])
        assert np.array_equal(rows[-1], padded[-1])
    chosen = np.array(data.draw(st.lists(st.booleans(), min_size=len(padded), max_size=len(padded))), dtype=bool)
    assert np.array_equal(rows[chosen].toarray(), padded[chosen])


def test_other_columns_come_beside_it_without_padding() -> None:
    texts, numbers = Ragged.of_lists([[1, 2], [], [3]], 2), np.array([[0.5], [0.0], [1.5]])
    found = np.hstack([numbers, texts])
    assert isinstance(found, Ragged)
    assert found.toarray().tolist() == [[0.5, 1, 2], [0, 0, 0], [1.5, 3, 0]]
    assert len(found.values) == 6


def test_a_slice_copies_no_value() -> None:
    rows = Ragged.of_lists([[1, 2], [3], [4, 5]], 2)
    assert np.shares_memory(rows[1:].values, rows.values)
    with pytest.raises(IndexError):
        rows[[7]]
