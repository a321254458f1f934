"""What is said to each kind of bad input, by name: the protocol's error, its status, one sentence; and it goes on."""

import json
from typing import Any

import grpc
import pytest

from serve.live import ROW, Live

pytestmark = pytest.mark.system
INFER, PREDICT = "/v2/models/loans/infer", "/v2/models/loans/predict"


def inputs(**changed: Any) -> bytes:
    """An ``infer`` body for one row; what is changed is a tensor's entries by input."""
    tensors = [
        {"name": name, "datatype": "BYTES" if isinstance(value, str) else "FP64", "shape": [1], "data": [value]}
        | changed.get(name, {})
        for name, value in ROW.items()
    ]
    return json.dumps({"inputs": tensors}).encode()


def row(**changed: Any) -> bytes:
    return json.dumps({"rows": [ROW | changed]}).encode()


BAD: dict[str, tuple[str, bytes, int, str]] = {
    "a wrong type in JSON": (INFER, inputs(age={"data": ["forty"]}), 400, "'age' of FP64 holds 'forty'"),
    "a wrong type in a row": (PREDICT, row(age="forty"), 400, "'age' has something that is no number"),
    "a shape that does not multiply": (INFER, inputs(age={"shape": [3]}), 400, "'age' has 1 values for shape [3]"),
    "ragged rows": (INFER, inputs(age={"data": [[1, 2], 3], "shape": [3]}), 400, "'age' is ragged"),
    "a list in a row": (PREDICT, row(age=[1, 2]), 400, "'age' holds list"),
    "a missing column": (PREDICT, json.dumps({"rows": [{"age": 1}]}).encode(), 400, "is missing"),
    "a huge integer": (PREDICT, row(age=10**400), 400, ""),
    "a huge integer in a tensor": (INFER, inputs(age={"data": [10**400]}), 400, ""),
    "NaN, which JSON has no word for": (PREDICT, row().replace(b"40", b"NaN"), 400, "not what is expected"),
    "infinity, which JSON has no word for": (INFER, inputs().replace(b"40", b"-Infinity"), 400, "not what is expected"),
    "deep JSON": (PREDICT, row().replace(b"40", b"[" * 50_000), 400, ""),
    "invalid UTF-8": (PREDICT, row().replace(b"clerk", b"cl\xff\xferk"), 400, ""),
    "invalid UTF-8 in a tensor": (INFER, inputs().replace(b"clerk", b"\xc0\xaf"), 400, ""),
    "half a surrogate": (PREDICT, row().replace(b"clerk", b"\\ud800"), 400, ""),
    "an unknown model": ("/v2/models/cats/predict", row(), 404, "no model cats"),
    "an unknown version": ("/v2/models/loans/versions/99/predict", row(), 404, "no version 99"),
    "a version beyond all": (f"/v2/models/loans/versions/{'9' * 4000}/predict", row(), 404, ""),
    "feedback for no prediction": ("/v2/feedback", b'{"prediction_id": "x", "label": "yes"}', 404, "no prediction x"),
    "a rating that is no number": ("/v2/feedback", b'{"prediction_id": "x", "rating": "good"}', 400, ""),
    "a body that is no JSON": (INFER, b"age=40", 400, "not what is expected"),
    "an empty body": (INFER, b"", 400, "not what is expected"),
    "a path there is none of": ("/v2/models/loans/guess", row(), 404, ""),
}


@pytest.mark.parametrize("what", BAD)
def test_bad_input_is_refused_as_the_callers_mistake(server: Live, what: str) -> None:
    path, body, status, text = BAD[what]
    reply = server.http.post(path, content=body)
    assert (reply.status_code, list(reply.json())) == (status, ["error"]), reply.text
    assert text in reply.json()["error"]
    assert "\n" not in reply.json()["error"]
    assert server.predict().status_code == 200


def test_what_is_strange_but_has_an_answer_is_answered(server: Live) -> None:
    extra = server.http.post(PREDICT, content=row(shoe=44, note="x"))
    assert (extra.status_code, extra.json()["parameters"]["ignored"]) == (200, 2)
    unknown = server.http.post(PREDICT, content=row(job="astronaut"))
    assert (unknown.status_code, unknown.json()["predictions"][0]["label"]) in [(200, "yes"), (200, "no")]
    for number in (1e300, -1e300):  # infinite in float32, as it was in training
        assert server.http.post(PREDICT, content=row(age=number)).status_code in (200, 400)


def test_feedback_for_another_models_prediction_is_refused_on_the_path_of_a_model(server: Live) -> None:
    id = server.predict().json()["predictions"][0]["id"]
    told = {"prediction_id": id, "label": "yes"}
    assert server.http.post("/v2/models/loans/feedback", json=told).json() == {"accepted": 1}
    assert server.http.post("/v2/models/cats/feedback", json=told).status_code == 404
    strange = {**told, "prediction_id": id[:-1] + ("0" if id[-1] != "0" else "1")}
    assert server.http.post("/v2/models/loans/feedback", json=strange).status_code == 404


def test_a_message_of_100_mb_is_refused_over_grpc(server: Live) -> None:
    options = [("grpc.max_send_message_length", -1)]
    with grpc.insecure_channel(server.grpc, options=options) as channel:
        with pytest.raises(grpc.RpcError) as refused:
            channel.unary_unary("/inference.GRPCInferenceService/ModelInfer")(bytes(104_857_600), timeout=60)
        assert refused.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
    assert server.predict().status_code == 200
