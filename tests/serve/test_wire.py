"""REST's bodies: tensors as JSON and as bytes say the same; a bad request gets a clear sentence, never an accident."""

import asyncio
import json
import struct
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from noria.errors import BadInput, NoriaError, NotFound
from noria.serve import tensors
from noria.serve.capture import Spool
from noria.serve.host import Host
from noria.serve.ids import Ids
from noria.serve.predict import Service
from noria.serve.protocol import DTYPES, Answer, Request
from noria.serve.rest import answers, wire
from noria.serve.rest.errors import status_of
from serve import small

TEXTS = st.lists(st.text(max_size=20), min_size=1, max_size=5)


class Server:
    """All of a server but HTTP: bodies in, bodies out."""

    def __init__(self, folder: Path) -> None:
        shelf = small.Shelf()
        shelf.route("loans", {1: 50, 2: 50})
        self._runner = asyncio.Runner()
        host = Host(shelf)
        self._runner.run(host.refresh())
        self.service = Service(host, Spool(folder))
        self.folder = folder

    def infer(self, body: bytes, json_length: int | None = None) -> tuple[Answer, Request, bytes, int | None]:
        request, raw = wire.infer("loans", None, body, json_length)
        answer = self._runner.run(self.service.predict(request))
        return answer, request, *answers.answer_infer(answer, request, raw)

    def predict(self, body: bytes) -> Any:
        request = wire.predict("loans", None, body)
        answer = self._runner.run(self.service.predict(request))
        return json.loads(answers.answer_predict(answer, request))

    def feedback(self, body: bytes) -> int:
        told = wire.feedback(body)
        self._runner.run(self.service.tell(told))
        return len(told)

    def close(self) -> None:
        self._runner.run(self.service.spool.rotate())
        self._runner.close()


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    found = Server(tmp_path)
    yield found
    found.close()


def tensor(name: str, datatype: str, values: Any, shape: list[int] | None = None, **more: Any) -> dict[str, Any]:
    return {"name": name, "datatype": datatype, "shape": shape or [len(values)], "data": values, **more}


AGE, JOB = tensor("age", "FP32", [40.0, 41.0]), tensor("job", "BYTES", ["clerk", "nurse"])


def body(*inputs: Any, **more: Any) -> bytes:
    return json.dumps({"inputs": inputs, **more}).encode()


def with_tail(tail: bytes, *inputs: Any, **more: Any) -> tuple[bytes, int]:
    head = body(*inputs, **more)
    return head + tail, len(head)


def in_binary(name: str, datatype: str, data: bytes, count: int) -> dict[str, Any]:
    return {"name": name, "datatype": datatype, "shape": [count], "parameters": {"binary_data_size": len(data)}}


@given(
    st.sampled_from(sorted(DTYPES)).flatmap(
        lambda d: st.tuples(st.just(d), arrays.arrays(np.dtype(DTYPES[d]), st.integers(1, 5)))
    )
)
def test_numbers_of_every_datatype_come_through_json_and_bytes_unchanged(case: tuple[str, Any]) -> None:
    datatype, values = case
    sent = values.astype(values.dtype.newbyteorder("<")).tobytes()
    data, length = with_tail(sent, in_binary("age", datatype, sent, len(values)))
    request, _ = wire.infer("loans", None, data, length)
    np.testing.assert_array_equal(request.columns["age"], values)
    assert request.columns["age"].dtype == DTYPES[datatype]
    assert tensors.pack(request.columns["age"], datatype) == sent
    if datatype != "FP16" and np.isfinite(values).all():
        for shape, nested in (([len(values)], values.tolist()), ([len(values), 1], [[v] for v in values.tolist()])):
            request, _ = wire.infer("loans", None, body(tensor("age", datatype, nested, shape)), None)
            np.testing.assert_array_equal(np.array(request.columns["age"], dtype=DTYPES[datatype]), values)


@given(TEXTS)
def test_texts_come_through_json_and_bytes_unchanged(texts: list[str]) -> None:
    sent = b"".join(struct.pack("<I", len(text.encode())) + text.encode() for text in texts)
    assert tensors.pack(np.array(texts, dtype=object), "BYTES") == sent
    data, length = with_tail(sent, in_binary("job", "BYTES", sent, len(texts)))
    for request, _ in (
        wire.infer("loans", None, data, length),
        wire.infer("loans", None, body(tensor("job", "BYTES", texts)), None),
    ):
        assert request.columns["job"] == texts


@given(
    st.lists(
        st.tuples(st.none() | st.floats(width=32, allow_nan=False, allow_infinity=False), st.text(max_size=9)),
        min_size=1,
        max_size=5,
    )
)
def test_a_binary_answer_holds_what_the_json_answer_says(server: Server, rows: list[tuple[float, str]]) -> None:
    ages, jobs = map(list, zip(*rows, strict=True))
    inputs = tensor("age", "FP32", ages), tensor("job", "BYTES", jobs)
    asked = {"parameters": {"subject": "ann"}, "id": "mine"}
    *_, plain, none = server.infer(body(*inputs, **asked))
    outputs = [{"name": "probability", "parameters": {"binary_data": True}}, {"name": "label"}]
    *_, mixed, length = server.infer(body(*inputs, **asked, outputs=outputs))
    said, head = json.loads(plain), json.loads(mixed[:length])
    assert none is None
    assert said["id"] == head["id"] == "mine"
    assert [one["name"] for one in said["outputs"]] == ["label", "probability"]
    assert [one["name"] for one in head["outputs"]] == ["probability", "label"]
    size = head["outputs"][0]["parameters"]["binary_data_size"]
    assert size == len(mixed) - (length or 0) == 8 * len(rows)
    assert np.frombuffer(mixed, "<f4", offset=length or 0).tolist() == pytest.approx(said["outputs"][1]["data"])
    assert head["outputs"][1]["data"] == said["outputs"][0]["data"]
    assert said["outputs"][1]["shape"] == [len(rows), 2]
    assert said["outputs"][1]["parameters"] == {"classes": ["no", "yes"]}


def test_predict_answers_each_row_and_a_name_that_a_row_lacks_is_missing_there(server: Server) -> None:
    said = server.predict(b'{"rows": [{"age": 3, "job": "x", "more": null}]}')
    assert said["parameters"]["ignored"] == 1
    said = server.predict(json.dumps({"id": "mine", "rows": [{"age": 3}, {"job": None, "age": True}]}).encode())
    first, second = said["predictions"]
    assert said["id"] == "mine"
    assert first["id"] == said["parameters"]["prediction_id"] + ".0"
    assert first["label"] == second["label"] == "no"
    assert set(first["probabilities"]) == {"no", "yes"}
    assert first["probabilities"]["yes"] == pytest.approx(small.share(int(first["version"])))


BAD: dict[str, tuple[bytes, int | None, str]] = {
    "nothing": (b"", None, "truncated"),
    "no json": (b"{", None, "truncated"),
    "no utf-8": (b'{"inputs": "\xff"}', None, "not what is expected"),
    "a list": (b"[]", None, "Expected `object`"),
    "no inputs": (b"{}", None, "`inputs`"),
    "no rows": (body(), None, "no rows"),
    "rows of none": (body(tensor("age", "FP32", [], [0])), None, "no rows"),
    "deep": (b'{"inputs": ' + b"[" * 100_000, None, "expected"),
    "wrong element": (body(3), None, r"\$.inputs\[0\]"),
    "a missing input": (body(AGE), None, "'job' is missing"),
    "an input twice": (body(AGE, AGE), None, "twice"),
    "other numbers of rows": (body(AGE, tensor("job", "BYTES", ["x"])), None, "has 1 rows, the one before 2"),
    "too few values": (body(tensor("age", "FP32", [1], [2])), None, "1 values for shape"),
    "ragged": (body(tensor("age", "FP32", [[1], 2], [2])), None, "ragged"),
    "a shape of nothing": (body({**AGE, "shape": []}), None, r"shape \[\]"),
    "a negative shape": (body({**AGE, "shape": [-2]}), None, r"shape \[-2\]"),
    "a matrix": (body({**AGE, "shape": [1, 2]}), None, "one column"),
    "a huge shape": (body({**AGE, "shape": [10**18, 10**18]}), None, "one column"),
    "no data": (body({"name": "age", "datatype": "FP32", "shape": [1]}), None, "no data"),
    "unknown datatype": (body(tensor("age", "FP31", [1])), None, "'FP31'"),
    "half a float as JSON": (body(tensor("age", "FP16", [1])), None, "'FP16'"),
    "another half of one": (body(tensor("age", "BF16", [1])), None, "'BF16'"),
    "text as a number": (body(tensor("age", "FP32", ["x"])), None, "'x'"),
    "a number as text": (body(tensor("job", "BYTES", [3])), None, "'3'"),
    "an object in data": (body(tensor("age", "FP32", [{}])), None, "FP32 holds"),
    "a word where a number is due": (body({**AGE, "datatype": "BYTES", "data": ["a", "b"]}, JOB), None, "no number"),
    "a number of 100 digits": (body(tensor("age", "INT64", [10**100, 1]), JOB), None, "cannot answer"),
    "a number that the model has no answer to": (body(tensor("age", "FP64", [1e300, 1]), JOB), None, "no numbers"),
    "a number of 400 digits": (body(tensor("age", "INT64", [10**400, 1]), JOB), None, "too large|out of range"),
    "no such output": (body(AGE, JOB, outputs=[{"name": "odds"}]), None, "no output 'odds'"),
    "too many rows": (body(tensor("age", "FP32", [0] * 65_537)), None, "at most 65536"),
    "bytes too short": (*with_tail(b"123", in_binary("age", "FP32", b"1234", 1)), "3 bytes are there"),
    "bytes too long": (*with_tail(b"12345", in_binary("age", "FP32", b"1234", 1)), "1 bytes follow"),
    "bytes of another count": (*with_tail(b"1234", in_binary("age", "FP32", b"1234", 2)), "4 bytes for 2 values"),
    "a size that is none": (body({**AGE, "parameters": {"binary_data_size": True}}), None, "binary_data_size True"),
    "a text that ends too soon": (
        *with_tail(b"\x09\0\0\0a", in_binary("job", "BYTES", b"\x09\0\0\0a", 1)),
        "ends too soon",
    ),
    "a text that is none": (
        *with_tail(b"\1\0\0\0\xff", in_binary("job", "BYTES", b"\1\0\0\0\xff", 1)),
        "cannot be read",
    ),
    "bytes of unknown type": (*with_tail(b"1234", in_binary("age", "BF16", b"1234", 2)), "'BF16'"),
}


@pytest.mark.parametrize("what", BAD)
def test_a_bad_infer_request_gets_one_sentence_that_says_what_is_wrong(server: Server, what: str) -> None:
    data, length, said = BAD[what]
    with pytest.raises(BadInput, match=said) as caught:
        server.infer(data, length)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b'{"rows": []}', "no rows"),
        (b'{"rows": [{}]}', "'age' is missing"),
        (b'{"rows": [3]}', r"\$.rows\[0\]"),
        (b'{"rows": [{"age": {}, "job": "x"}]}', "'age' holds dict"),
        (b'{"rows": [{"age": "old", "job": "x"}]}', "no number"),
        (b'{"rows": [{"age": 1e999, "job": "x"}]}', "out of range"),
        (b'{"rows": [{"age": 1, "job": "x", "more": %d}]}' % 2**70, "64|out of range"),
        (b'{"rows": [{"age": 1, "job": "\\ud800"}]}', "expected"),
    ],
)
def test_a_bad_predict_request_gets_one_sentence_that_says_what_is_wrong(
    server: Server, data: bytes, said: str
) -> None:
    with pytest.raises(BadInput, match=said) as caught:
        server.predict(data)
    assert "\n" not in str(caught.value)


def test_feedback_is_one_or_a_list_all_of_which_is_taken_or_nothing(server: Server) -> None:
    id = Ids().new("loans")
    one = {"prediction_id": id, "label": "yes", "source": "feedback"}
    assert server.feedback(json.dumps(one).encode()) == 1
    many = [{"prediction_id": id, "rating": rating} for rating in (0, 0.5)]
    assert server.feedback(json.dumps({"feedback": many}).encode()) == 2
    assert server.feedback(b'{"feedback": []}') == 0
    before = sum(path.stat().st_size for path in server.folder.iterdir())
    for bad, kind in (
        ({"prediction_id": id}, BadInput),
        ({"prediction_id": "x", "label": 1}, NotFound),
        ({"prediction_id": Ids().new("cats"), "label": 1}, NotFound),
        ({"prediction_id": id, "lable": 1}, BadInput),
        ({"prediction_id": id, "rating": "good"}, BadInput),
        ({"prediction_id": id, "label": [1]}, BadInput),
    ):
        for sent in (bad, {"feedback": [*many, bad]}):
            with pytest.raises(kind):
                server.feedback(json.dumps(sent).encode())
    for junk in (b"", b"3", b"[]", b'{"feedback": 3}', json.dumps({**one, "feedback": []}).encode()):
        with pytest.raises(BadInput):
            server.feedback(junk)
    assert sum(path.stat().st_size for path in server.folder.iterdir()) == before


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=9) | st.sampled_from(["BYTES", "FP32"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.text(max_size=5) | st.sampled_from(["name", "data", "shape", "age", "job"]), inner, max_size=4
        )
    ),
    max_leaves=6,
)
VALID = {
    "infer": json.loads(body(AGE, JOB, parameters={"subject": "ann"}, outputs=[{"name": "label"}], id="i")),
    "predict": {"rows": [{"age": 3, "job": "x"}, {"age": None, "job": "y"}], "subject": 3, "id": "i"},
    "feedback": {"feedback": [{"prediction_id": Ids().new("loans"), "label": "x", "rating": 1, "source": "s"}]},
}


def refusal(call: Callable[[], Any]) -> NoriaError | None:
    """What the call was refused with, if it was; any other error is an accident."""
    try:
        call()
    except NoriaError as error:
        return error
    return None


def places(value: Any) -> list[tuple[Any, Any]]:
    """All places in plain data where something stands: its holder and its key."""
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [place for key, inner in items for place in [(value, key), *places(inner)]]


@pytest.mark.parametrize("kind", VALID)
@given(data=st.data())
@settings(max_examples=150)
def test_whatever_is_sent_is_answered_or_refused_as_the_callers_mistake(
    server: Server, kind: str, data: st.DataObject
) -> None:
    sent = json.loads(json.dumps(VALID[kind]))
    for _ in range(data.draw(st.integers(1, 3))):
        found = places(sent)
        assume(found)
        holder, key = data.draw(st.sampled_from(found))
        holder[key] = data.draw(JSON)
    try:
        raw = json.dumps(sent, allow_nan=data.draw(st.booleans())).encode()
    except ValueError:
        assume(False)
    if data.draw(st.booleans()) and raw:
        at = data.draw(st.integers(0, len(raw) - 1))
        raw = raw[:at] + data.draw(st.binary(max_size=3)) + raw[at + data.draw(st.integers(0, 3)) :]
    error = refusal(lambda: getattr(server, kind)(raw))
    assert error is None or (status_of(error) in (400, 404) and "\n" not in str(error))


@given(st.binary(max_size=60), st.integers(0, 9), st.integers(0, 60), st.sampled_from([*sorted(DTYPES), "BYTES", "X"]))
def test_whatever_bytes_follow_are_answered_or_refused_as_the_callers_mistake(
    server: Server, tail: bytes, count: int, size: int, datatype: str
) -> None:
    one = {**in_binary("age", datatype, tail[:size], count), "parameters": {"binary_data_size": size}}
    error = refusal(lambda: server.infer(*with_tail(tail, one, tensor("job", "BYTES", ["x"] * count))))
    assert error is None or (status_of(error) == 400 and "\n" not in str(error))
