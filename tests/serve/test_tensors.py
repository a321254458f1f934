"""Many texts that come as bytes are found at once, and mean what they mean one by one, as far as the tables."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from noria.errors import BadInput
from noria.model.onnx import FORMAT
from noria.model.signature import listed
from noria.model.sklearn import to_frame
from noria.serve import segment, tensors
from noria.serve.models import plain
from noria.serve.segment import Predicted
from serve.small import SIGNATURE, package

TEXTS = st.lists(
    st.one_of(st.sampled_from(["clerk", "nurse", "x" * 127, "x" * 128, "", "\0", "ä", "\x03"]), st.text(max_size=40)),
    min_size=tensors.MANY,
    max_size=60,
)
ASCII = st.lists(st.text(st.characters(min_codepoint=1, max_codepoint=127), min_size=1, max_size=127), min_size=16)


@given(st.one_of(TEXTS, ASCII))
def test_all_at_once_they_are_the_same_texts_as_one_by_one(texts: list[str]) -> None:
    sent = b"".join(map(tensors.pack_text, texts))
    assert listed(tensors.unpack("job", "BYTES", len(texts), memoryview(sent))) == texts


@given(ASCII, st.data())
def test_bytes_that_are_no_texts_are_refused_the_same(texts: list[str], data: st.DataObject) -> None:
    sent = bytearray(b"".join(map(tensors.pack_text, texts)))
    place = data.draw(st.integers(0, len(sent) - 1))
    sent[place : place + data.draw(st.integers(0, 3))] = data.draw(st.binary(max_size=3))
    try:
        expected = tensors._each("job", memoryview(sent), len(texts))
    except BadInput:
        with pytest.raises(BadInput):
            tensors.unpack("job", "BYTES", len(texts), memoryview(sent))
    else:
        assert listed(tensors.unpack("job", "BYTES", len(texts), memoryview(sent))) == expected


def test_one_long_text_among_many_short_ones_takes_no_more_memory_than_it_has() -> None:
    short = tensors.pack_text("a") * 60_000
    found = tensors.unpack("job", "BYTES", 60_001, memoryview(short + tensors.pack_text("b" * 127)))
    assert isinstance(found, list)


def test_models_of_every_kind_take_them(tmp_path: Path) -> None:
    jobs = ["clerk", "x" * 30] * 8
    sent = b"".join(map(tensors.pack_text, jobs))
    columns = {
        "age": np.arange(16, dtype=np.float32),
        "job": tensors.unpack("job", "BYTES", 16, memoryview(sent)),
    }
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


def test_an_extension_that_is_no_array_of_plain_values_is_damage() -> None:
    for data in (b"|O ", b"<f4 123", b"", b"x"):
        with pytest.raises(ValueError, match=r"."):
            segment._unpacked(segment.ARRAY, memoryview(data))
