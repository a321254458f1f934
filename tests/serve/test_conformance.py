"""Clients of others, unmodified, with their own defaults: what they ask is answered as they expect it.

Among the checks are those that other servers of the protocol fail: versions, the empty body of the index, binary
tensors by default, ids, a request without a content type, packed bodies, parameters of every kind, errors they read.
"""

import asyncio
import json
import subprocess
from collections.abc import Callable, Iterator
from contextlib import closing
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import tritonclient.grpc
import tritonclient.grpc.aio
import tritonclient.http
import tritonclient.http.aio
from tritonclient.utils import InferenceServerException

from serve import kserve_environment
from serve.live import Live, until

pytestmark = pytest.mark.system
VALUES: dict[str, tuple[str, Any]] = {
    "age": ("FP32", np.array([40, 41], np.float32)),
    "amount": ("FP32", np.array([50.5, 30], np.float32)),
    "job": ("BYTES", np.array([b"clerk", "nurse"], object)),
    "sex": ("BYTES", np.array([b"f", b"m"], object)),
}
ASYNCIO = {tritonclient.http: tritonclient.http.aio, tritonclient.grpc: tritonclient.grpc.aio}
TRITON = pytest.mark.parametrize("kind", [tritonclient.http, tritonclient.grpc], ids=["http", "grpc"])


def inputs(kind: ModuleType, rows: int, **more: Any) -> list[Any]:
    """The rows as the client takes them."""
    found = []
    for name, (datatype, values) in VALUES.items():
        found.append(kind.InferInput(name, [rows, 1] if name == "job" else [rows], datatype))
        found[-1].set_data_from_numpy(values[:rows].reshape(found[-1].shape()), **more)
    return found


class Waited:
    """A client for asyncio whose calls are waited for, so that one test is for both."""

    def __init__(self, kind: ModuleType, where: str) -> None:
        self._loop = asyncio.new_event_loop()

        async def made() -> Any:  # it takes the loop that runs
            return kind.InferenceServerClient(where)

        self._client = self._loop.run_until_complete(made())

    def __getattr__(self, name: str) -> Callable[..., Any]:
        method = getattr(self._client, name)
        return lambda *words, **named: self._loop.run_until_complete(method(*words, **named))

    def close(self) -> None:
        self._loop.run_until_complete(self._client.close())
        self._loop.close()


@pytest.fixture(params=["sync", "asyncio"])
def client(kind: ModuleType, server: Live, request: pytest.FixtureRequest) -> Iterator[Any]:
    where = server.grpc if kind is tritonclient.grpc else f"127.0.0.1:{server.port}"
    waits = kind.InferenceServerClient if request.param == "sync" else partial(Waited, ASYNCIO[kind])
    with closing(waits(where)) as found:
        yield found


def plain(kind: ModuleType, **more: Any) -> dict[str, Any]:
    """gRPC answers as dictionaries, as HTTP's are."""
    return {"as_json": True, **more} if kind is tritonclient.grpc else more


@TRITON
def test_tritonclient_finds_the_server_its_models_and_their_versions(kind: ModuleType, client: Any) -> None:
    assert client.is_server_live()
    assert client.is_server_ready()
    for version in ("", "1", "2"):
        assert client.is_model_ready("loans", version)
        model = client.get_model_metadata("loans", version, **plain(kind))
        assert model["versions"] == ["1", "2"]
        assert [one["name"] for one in model["inputs"]] == list(VALUES)
    assert "binary_tensor_data" in client.get_server_metadata(**plain(kind))["extensions"]
    index = client.get_model_repository_index(**plain(kind))
    entries = index["models"] if kind is tritonclient.grpc else index
    assert [(one["name"], one["version"], one["state"]) for one in entries] == [
        ("loans", "1", "READY"), ("loans", "2", "READY"),
    ]  # fmt: skip
    client.load_model("loans")
    client.load_model("loans", config="{}", files={"file:1/model.onnx": b"not ours to take"})
    client.unload_model("loans")
    client.unload_model("loans", unload_dependents=True)
    assert client.is_model_ready("loans")


@TRITON
@pytest.mark.parametrize("rows", [1, 2])
def test_tritonclient_infers_with_its_defaults(kind: ModuleType, client: Any, rows: int) -> None:
    said = client.infer("loans", inputs(kind, rows), model_version="2")
    shares, labels = said.as_numpy("probability"), said.as_numpy("label")
    assert shares.shape == (rows, 2)
    assert shares.dtype == np.float32
    assert [one.decode() for one in labels] == [("no", "yes")[place] for place in shares.argmax(axis=1)]
    assert answered(kind, said)["model_version"] == "2"
    assert answered(kind, said)["id"]
    named = client.infer(
        "loans", inputs(kind, rows), model_version="2", request_id="mine", outputs=[kind.InferRequestedOutput("label")]
    )
    assert answered(kind, named)["id"] == "mine"
    assert list(named.as_numpy("label")) == list(labels)
    assert named.as_numpy("probability") is None


def answered(kind: ModuleType, said: Any) -> dict[str, Any]:
    found: dict[str, Any] = said.get_response(as_json=True) if kind is tritonclient.grpc else said.get_response()
    return found


@TRITON
def test_tritonclient_sends_parameters_of_every_kind_and_reads_ours(kind: ModuleType, client: Any) -> None:
    given = {"subject": "s1", "times": 3, "share": 0.5, "flag": True}
    one = answered(kind, client.infer("loans", inputs(kind, 1), parameters=given))
    other = answered(kind, client.infer("loans", inputs(kind, 1), parameters=given))
    assert one["model_version"] == other["model_version"]
    assert one["parameters"].keys() >= {"prediction_id", "release", "variant"}


@pytest.fixture
def halves(server: Live) -> Iterator[None]:
    """Both versions answer half of the subjects."""
    place = "/v2/noria/routes/loans"

    def divide(weights: dict[str, int]) -> None:
        made = server.http.put(place, json={"weights": weights}).json()["revision"]
        until(
            lambda: server.http.get("/v2/models/loans").json()["parameters"]["revision"] == made,
            "the route to be followed",
        )

    before = server.http.get(place).json()["weights"]
    divide({"1": 50, "2": 50})
    yield
    divide(before)


@TRITON
@pytest.mark.usefixtures("halves")
def test_a_parameter_that_is_a_fraction_arrives_as_it_was_sent(kind: ModuleType, client: Any) -> None:
    for share in (0.1 + 0.2, -1.5, 1e-3):  # it has one version answer, however the subject is spelled

        def version(subject: Any) -> str:
            said = client.infer("loans", inputs(kind, 1), parameters={"subject": subject})
            return str(answered(kind, said)["model_version"])

        assert {version(share) for _ in range(8)} == {version(str(share))}


@TRITON
@pytest.mark.parametrize("how", ["gzip", "deflate"])
def test_tritonclient_packs_what_it_sends_and_unpacks_what_comes(kind: ModuleType, client: Any, how: str) -> None:
    more = {"response_compression_algorithm": how, "request_compression_algorithm": how}
    packed = more if kind is tritonclient.http else {"compression_algorithm": how}
    said = client.infer("loans", inputs(kind, 2), model_version="1", **packed)
    expected = client.infer("loans", inputs(kind, 2), model_version="1")
    assert said.as_numpy("probability").tolist() == expected.as_numpy("probability").tolist()


@pytest.mark.parametrize("kind", [tritonclient.http])
@pytest.mark.parametrize("headers", [None, {"Content-Type": "text/plain"}])  # none at all, or whatever it is
def test_tritonclient_sends_and_is_sent_nothing_but_json(
    kind: ModuleType, client: Any, headers: dict[str, str] | None
) -> None:
    wanted = [kind.InferRequestedOutput(name, binary_data=False) for name in ("label", "probability")]
    rows = inputs(kind, 2, binary_data=False)
    said = client.infer("loans", rows, model_version="1", outputs=wanted, headers=headers)
    expected = client.infer("loans", inputs(kind, 2), model_version="1")
    assert said.as_numpy("probability") == pytest.approx(expected.as_numpy("probability"), abs=1e-6)
    assert [str(one) for one in said.as_numpy("label")] == [one.decode() for one in expected.as_numpy("label")]
    assert said.get_response()["id"]


@pytest.mark.parametrize("kind", [tritonclient.http])
@pytest.mark.parametrize("sent", [False, True])
@pytest.mark.parametrize("asked", [False, True])
def test_tritonclient_mixes_json_and_binary_tensors(kind: ModuleType, client: Any, sent: bool, asked: bool) -> None:
    wanted = [kind.InferRequestedOutput("probability", binary_data=asked), kind.InferRequestedOutput("label")]
    rows = inputs(kind, 2)
    rows[1].set_data_from_numpy(VALUES["amount"][1], binary_data=sent)
    said = client.infer("loans", rows, model_version="1", outputs=wanted)
    expected = client.infer("loans", inputs(kind, 2), model_version="1")
    assert said.as_numpy("probability") == pytest.approx(expected.as_numpy("probability"), abs=1e-6)
    assert said.as_numpy("label").tolist() == expected.as_numpy("label").tolist()


BAD: dict[str, tuple[Callable[[ModuleType, Any], Any], str]] = {
    "model": (lambda kind, client: client.infer("cats", inputs(kind, 1)), "no model cats"),
    "version": (lambda kind, client: client.infer("loans", inputs(kind, 1), model_version="9"), "no version 9"),
    "input": (lambda kind, client: client.infer("loans", inputs(kind, 1)[1:]), "'age' is missing"),
    "metadata": (lambda kind, client: client.get_model_metadata("cats"), "no model cats"),
    "load": (lambda kind, client: client.load_model("cats"), "no model cats"),
}


@TRITON
@pytest.mark.parametrize("what", BAD)
def test_tritonclient_reads_why_it_is_refused(kind: ModuleType, client: Any, what: str) -> None:
    ask, said = BAD[what]
    with pytest.raises(InferenceServerException) as refused:
        ask(kind, client)
    assert said in refused.value.message()


@TRITON
def test_what_is_not_served_is_not_ready_in_the_words_of_the_protocol(kind: ModuleType, client: Any) -> None:
    for model, version in (("cats", ""), ("loans", "9")):
        if kind is tritonclient.http:  # its client reads the status alone
            assert not client.is_model_ready(model, version)
        else:
            with pytest.raises(InferenceServerException, match="NOT_FOUND"):
                client.is_model_ready(model, version)


@TRITON
def test_tritonclients_calls_for_asyncio_may_run_at_once(kind: ModuleType, server: Live) -> None:
    async def work() -> list[Any]:
        where = server.grpc if kind is tritonclient.grpc else f"127.0.0.1:{server.port}"
        async with ASYNCIO[kind].InferenceServerClient(where) as found:
            some = [found.infer("loans", inputs(kind, 1), model_version="1") for _ in range(8)]
            return [one.as_numpy("probability").tolist() for one in await asyncio.gather(*some)]

    answers = asyncio.run(work())
    assert answers == answers[:1] * 8


def test_tritonclients_stream_gets_every_answer(server: Live) -> None:
    kind, got = tritonclient.grpc, []
    with kind.InferenceServerClient(server.grpc) as client:
        client.start_stream(lambda result, error: got.append(error or result.get_response().id))
        for name in ("1", "2", "3"):
            client.async_stream_infer("loans", inputs(kind, 1), request_id=name)
        client.stop_stream()
    assert got == ["1", "2", "3"]


def test_the_inference_clients_of_the_kserve_sdk_get_answers(server: Live) -> None:
    script = Path(__file__).parent / "kserve_client.py"
    words = [kserve_environment.python(), script, server.url, server.grpc]
    done = subprocess.run(words, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    said = json.loads(done.stdout.splitlines()[-1])
    assert said.keys() == {"rest", "rest binary", "grpc", "grpc raw"}
    first = said["rest"]
    for name, one in said.items():
        assert one["ready"] == [True, True, True], name
        assert one["id"] == "mine", name
        assert one["unnamed"], name
        assert one["probability"] == pytest.approx(first["probability"], abs=1e-6), name
        assert one["label"] == first["label"], name
        assert "no model cats" in one["refused"], name
