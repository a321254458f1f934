"""Ids of predictions: UUIDs of version 7 that tell when, by whom, and of which endpoint they were given."""

import time
import uuid

import pytest
from hypothesis import given
from hypothesis import strategies as st

from noria.serve.ids import Ids, endpoint_of, of_row

NAMES = st.text(min_size=1, max_size=20)


@given(NAMES)
def test_an_id_is_a_uuid_of_version_7_that_tells_when_it_was_given(endpoint: str) -> None:
    before = time.time_ns() // 1_000_000
    found = uuid.UUID(Ids().new(endpoint))
    assert (found.version, found.variant) == (7, uuid.RFC_4122)
    assert before <= found.int >> 80 <= time.time_ns() // 1_000_000


def test_ids_of_many_processes_are_all_different_and_never_go_back_in_time() -> None:
    makers = [Ids() for _ in range(4)]
    ids = [maker.new("loans") for _ in range(20_000) for maker in makers]
    assert len(set(ids)) == 80_000
    moments = [id[:13] for id in ids]
    assert moments == sorted(moments)


@given(st.sets(NAMES, min_size=1, max_size=5), st.data())
def test_an_id_and_those_of_its_rows_name_their_endpoint_and_no_other(names: set[str], data: st.DataObject) -> None:
    mine = data.draw(st.sampled_from(sorted(names)))
    id = Ids().new(mine)
    row = data.draw(st.integers(0, 65_535))
    assert endpoint_of(id, names) == endpoint_of(of_row(id, row, 65_536), names) == mine
    assert endpoint_of(id, names - {mine}) is None
    assert of_row(id, 0, 1) == id


@given(st.integers(0, 35), st.sampled_from("0123456789abcdef"))
def test_a_changed_digit_makes_it_nobodys_id(place: int, digit: str) -> None:
    id = Ids().new("loans")
    changed = id[:place] + digit + id[place + 1 :]
    assert endpoint_of(changed, ["loans"]) == ("loans" if changed == id else None)


@given(st.text() | st.from_regex(r"\A[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}(\.[0-9]+)?\Z"))
def test_any_other_text_is_nobodys_id(text: str) -> None:
    assert endpoint_of(text, ["loans", "", text]) is None


@pytest.mark.parametrize("tail", [".", ".-1", ".01", ".1.1", ".99999999", "\n", " "])
def test_an_id_with_something_behind_it_that_is_no_row_is_nobodys_id(tail: str) -> None:
    assert endpoint_of(Ids().new("loans") + tail, ["loans"]) is None
