"""Lists in cells: kept as texts, and read back."""

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from noria.data import lists
from noria.data.schema import Schema
from noria.errors import BadInput
from noria.model.frame import fields_of

VALUES = st.text(st.characters(codec="utf-8", exclude_characters="|\x00"), min_size=1).map(str.strip).filter(bool)
CELLS = st.lists(st.none() | st.lists(VALUES, max_size=4), min_size=1, max_size=10)


@given(CELLS)
def test_what_was_joined_is_read_back_without_repetitions(cells: list[list[str] | None]) -> None:
    texts = lists.joined(pl.Series("x", cells, dtype=pl.List(pl.String)))
    assert texts.dtype == pl.String
    assert lists.parts(texts).to_list() == [None if cell is None else list(dict.fromkeys(cell)) for cell in cells]


def test_numbers_become_their_texts_and_missing_values_in_a_list_are_left_out() -> None:
    assert lists.joined(pl.Series("x", [[1, None, 2], []])).to_list() == ["1|2", ""]


@pytest.mark.parametrize(
    ("cells", "said"), [([["a|b"]], "a value in the lists of column x holds '|'"), ([[["a"]]], "lists of texts and")]
)
def test_what_could_not_be_read_back_is_refused(cells: list[object], said: str) -> None:
    with pytest.raises(BadInput, match=r"column x") as caught:
        lists.joined(pl.Series("x", cells))
    assert said in caught.value.what
    assert caught.value.do


def test_a_row_is_counted_once_for_each_of_its_labels() -> None:
    rows = pl.DataFrame({"y": ["a|b", "", None, " b | b"], "n": [1, 2, 3, 4]})
    several = lists.one_label_a_row(rows, Schema("y", task="multilabel"))
    assert list(several.iter_rows()) == [("a", 1), ("b", 1), ("b", 4)]
    assert lists.one_label_a_row(rows, Schema("y")).equals(rows)


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        (["a|b", "c", "a|c", "b"], "list"),
        (["a|b", *"cdefghij"], "category"),
        (["a |", "| b", "|", "c"], "category"),
        (["one | two three four five", "six seven | eight nine ten"], "list"),
    ],
)
def test_a_column_of_which_a_quarter_holds_several_values_is_one_of_lists(values: list[str], kind: str) -> None:
    [field] = fields_of(pl.DataFrame({"x": values}), frozenset())
    assert field.kind == kind
