"""A model of one input takes a body of nothing but its values: ``Inference-Header-Content-Length: 0``."""

import asyncio
import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from onnx import TensorProto, helper

from noria.errors import BadInput
from noria.model.package import Package
from noria.model.signature import Field, Signature
from noria.serve.capture import Spool
from noria.serve.host import Host
from noria.serve.predict import Service
from noria.serve.rest import binary
from noria.serve.rest.calls import Call, Calls
from noria.serve.watch import Seen
from serve import small

NUMBER = Signature((Field("x", "number"),), ("no", "yes"), "y", "yes")
TEXT = Signature((Field("x", "category"),), ("no", "yes"), "y", "yes")
HEADER = {binary.HEADER: "0"}


def package() -> Package:
    """Answers yes with the logistic of its only input."""
    made = TensorProto.FLOAT
    nodes = [
        helper.make_node("Sigmoid", ["x"], ["yes"]),
        helper.make_node("Sub", ["one", "yes"], ["no"]),
        helper.make_node("Concat", ["no", "yes"], ["probability"], axis=1),
        helper.make_node("ArgMax", ["probability"], ["label"], axis=1, keepdims=0),
    ]
    graph = helper.make_graph(
        nodes, "one", [helper.make_tensor_value_info("x", made, [None, 1])],
        [helper.make_tensor_value_info("label", TensorProto.INT64, [None]),
         helper.make_tensor_value_info("probability", made, [None, 2])],
        [helper.make_tensor("one", made, [1], [1.0])],
    )  # fmt: skip
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    return Package("onnx", NUMBER, {"model.onnx": model.SerializeToString(), "classes.txt": b"0 1"})


def test_the_answer_is_that_of_the_values_as_tensors_of_bytes(tmp_path: Path) -> None:
    values = np.array([-2.0, 0.0, 3.0], dtype="<f4")

    async def work() -> tuple[int, list[tuple[str, str]], bytes]:
        shelf = small.Shelf(lambda number: package().to_bytes())
        shelf.route("loans", {1: 1})
        host = Host(shelf)
        await host.refresh()
        calls = Calls(Service(host, Spool(tmp_path)))
        return await calls.infer(Call("loans", None, values.tobytes(), HEADER, Seen("rest", "POST", "/")))

    status, headers, body = asyncio.run(work())
    length = int(dict(headers)[binary.HEADER])
    head = json.loads(body[:length])
    assert (status, [one["name"] for one in head["outputs"]]) == (200, ["label", "probability"])
    size = head["outputs"][1]["parameters"]["binary_data_size"]
    found = np.frombuffer(body[-size:], dtype="<f4").reshape(3, 2)
    np.testing.assert_allclose(found[:, 1], 1 / (1 + np.exp(-values)), rtol=1e-5)


@given(st.lists(st.floats(width=32, allow_nan=False), min_size=1, max_size=20))
def test_values_come_as_they_were_sent(values: list[float]) -> None:
    kind = np.dtype("<f4") if NUMBER.inputs[0].datatype == "FP32" else np.dtype("<f8")
    request = binary.only("m", None, np.array(values, dtype=kind).tobytes(), NUMBER)
    assert (request.rows, list(map(float, request.columns["x"]))) == (len(values), values)


@given(st.text())
def test_a_text_is_the_whole_body(text: str) -> None:
    request = binary.only("m", 2, text.encode(), TEXT)
    assert (request.rows, list(request.columns["x"]), request.version) == (1, [text], 2)


@pytest.mark.parametrize(
    ("body", "signature"),
    [
        (b"12345", NUMBER),
        (b"\xff", TEXT),
        (b"1234", Signature((*NUMBER.inputs, Field("z", "number")), None, "y", None)),
    ],
    ids=["no whole number of values", "no text", "two inputs"],
)
def test_what_is_no_such_body_is_refused(body: bytes, signature: Signature) -> None:
    with pytest.raises(BadInput):
        binary.only("m", None, body, signature)
