"""Many texts that come as bytes are found at once, and mean what they mean one by one, as far as the tables."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from noria.errors import BadInput
from noria.model import texts
from noria.model.onnx import FORMAT
from noria.model.signature import listed
from noria.model.sklearn import to_frame
from noria.model.texts import Texts
from noria.serve import segment, tensors
from noria.serve.models import plain
from noria.serve.segment import Predicted
from serve.small import SIGNATURE, package

TEXTS = st.lists(
    st.one_of(st.sampled_from(["clerk", "nurse", "x" * 127, "x" * 128, "", "\0", "ä", "\x03"]), st.text(max_size=40)),
    min_size=texts.MANY,
    max_size=60,
)
ASCII = st.lists(st.text(st.characters(min_codepoint=1, max_codepoint=127), min_size=1, max_size=127), min_size=16)
INPUTS = st.lists(st.one_of(TEXTS, ASCII), min_size=1, max_size=4)


def sent(values: list[str]) -> bytes:
    return b"".join(map(tensors.pack_text, values))


def unpacked(*inputs: tuple[bytes, int]) -> list[Any]:
    """What becomes of inputs of texts that came in one request, of whatever numbers of rows."""
    given = [(str(place), rows, tensors.Packed("BYTES", memoryview(data))) for place, (data, rows) in enumerate(inputs)]
    return [values for _, _, values in tensors._unpacked(given)]


@given(INPUTS)
def test_all_at_once_they_are_the_same_texts_as_one_by_one(inputs: list[list[str]]) -> None:
    assert [listed(one) for one in unpacked(*((sent(one), len(one)) for one in inputs))] == inputs


@given(st.lists(ASCII, min_size=1, max_size=4))
def test_short_texts_in_ascii_are_found_at_once_and_end_where_they_end(inputs: list[list[str]]) -> None:
    for found, due in zip(unpacked(*((sent(one), len(one)) for one in inputs)), inputs, strict=True):
        assert isinstance(found, Texts)
        assert [one.partition(b"\0")[0].decode() for one in found.ended().tolist()] == due
        assert found.sent == sent(due)


@given(st.lists(ASCII, min_size=1, max_size=3), st.data())
def test_bytes_that_are_no_texts_are_refused_the_same(inputs: list[list[str]], data: st.DataObject) -> None:
    damaged = [bytearray(sent(one)) for one in inputs]
    one = data.draw(st.sampled_from(damaged))
    place = data.draw(st.integers(0, len(one) - 1))
    one[place : place + data.draw(st.integers(0, 3))] = data.draw(st.binary(max_size=3))
    given = [(bytes(each), len(due)) for each, due in zip(damaged, inputs, strict=True)]
    try:
        expected = [texts.one_by_one(*each) for each in given]
    except ValueError:
        with pytest.raises(BadInput):
            unpacked(*given)
    else:
        assert [listed(each) for each in unpacked(*given)] == expected


def test_bytes_that_belong_to_the_next_input_are_none_of_this_ones() -> None:
    """All together they would be texts in order."""
    one, two = sent(["clerk"] * 17), sent(["nurse"] * 15)
    with pytest.raises(BadInput):
        unpacked((one, 16), (two, 16))


def test_one_long_text_among_many_short_ones_takes_no_more_memory_than_it_has() -> None:
    (found,) = unpacked((sent(["a"] * 60_000 + ["b" * 127]), 60_001))
    assert isinstance(found, list)


def test_models_of_every_kind_take_them(tmp_path: Path) -> None:
    jobs = ["clerk", "x" * 30] * 8
    (packed,) = unpacked((sent(jobs), 16))
    columns = {"age": np.arange(16, dtype=np.float32), "job": packed}
    graph = FORMAT.load(package(30).files, SIGNATURE, trusted=True)
    np.testing.assert_array_equal(graph.predict(columns).scores, graph.predict({**columns, "job": jobs}).scores)
    assert to_frame(SIGNATURE.clean(columns))["job"].tolist() == jobs
    assert plain(columns, SIGNATURE)["job"] == jobs


@given(st.sampled_from(["?", "i1", "u8", "f2", "f4", "f8", "S5"]), st.integers(0, 20))
def test_arrays_are_captured_as_they_are_and_read_as_they_were(kind: str, rows: int) -> None:
    values = np.arange(rows).astype(kind)
    data = segment.frame(Predicted(0, "p", 1.0, "v", None, rows, {"a": values}, b""))
    record, end = segment._record(data, 0)
    assert end == len(data)
    assert isinstance(record, Predicted)
    np.testing.assert_array_equal(record.columns["a"], values)
    assert listed(record.columns["a"]) == listed(values)


@given(ASCII)
def test_texts_are_captured_as_they_came_and_read_as_they_were(values: list[str]) -> None:
    (packed,) = unpacked((sent(values), len(values)))
    data = segment.frame(Predicted(0, "p", 1.0, "v", None, len(values), {"a": packed}, b""))
    record, end = segment._record(data, 0)
    assert end == len(data)
    assert isinstance(record, Predicted)
    assert listed(record.columns["a"]) == values


@given(st.binary(max_size=40))
def test_bytes_that_hold_no_texts_are_damage(data: bytes) -> None:
    try:
        found = listed(segment._unpacked(segment.TEXTS, memoryview(data)))
    except ValueError:  # which is what a segment's reader takes for damage
        return
    assert texts.LENGTH.pack(len(found)) + sent(found) == data


def test_an_extension_that_is_no_array_of_plain_values_is_damage() -> None:
    for data in (b"|O ", b"<f4 123", b"", b"x"):
        with pytest.raises(ValueError, match=r"."):
            segment._unpacked(segment.ARRAY, memoryview(data))
