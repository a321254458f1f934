"""gRPC: its messages are the public protocol's, its quick way answers as the general one, no bytes are an accident."""

import asyncio
import json
import math
from collections.abc import Callable, Iterator
from threading import Thread
from typing import Any

import grpc
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from noria.data import captured
from noria.serve.capture import Spool
from noria.serve.flush import flush
from noria.serve.grpc import messages, wire
from noria.serve.grpc.compile import GENERATED, compiled
from noria.serve.grpc.messages import InferRequest, InferResponse, message
from noria.serve.grpc.server import Edge
from noria.serve.host import Host
from noria.serve.ids import Ids
from noria.serve.predict import Service
from noria.settings import Settings, load
from serve import small
from serve.callers import Grpc, Input, Refused, said

CLERK = [Input("age", "FP32", [40.5]), Input("job", "BYTES", ["clerk"])]


class Bench:
    """An edge with both ways of one service, its event loop in a thread."""

    def __init__(self, place: Settings) -> None:
        self.place, self.shelf = place, small.Shelf()
        self.shelf.route("loans", {1: 50, 2: 50})
        self.loop = asyncio.new_event_loop()
        self.thread = Thread(target=self.loop.run_forever)
        self.thread.start()
        self.host = Host(self.shelf)
        self.run(self.host.refresh())
        self.host.ready.set()
        self.service = Service(self.host, Spool(place.spool))
        self.edge = Edge(self.service, self.loop, "127.0.0.1:0")
        self.grpc = f"127.0.0.1:{self.edge.start()}"
        self.caller = Grpc(self)

    def run(self, work: Any) -> Any:
        return asyncio.run_coroutine_threadsafe(work, self.loop).result(60)

    def close(self) -> None:
        self.caller.close()
        self.run(self.edge.stop(1))
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join()
        self.loop.close()

    def quick(self, asked: Any) -> bytes | None:
        lane = self.edge.lane(asked.model_name, asked.model_version)
        return None if lane is None else lane.answer(asked)

    def general(self, asked: Any) -> Any:
        request = wire.infer(asked)
        return wire.answer(self.run(self.service.predict(request)), request, bool(asked.raw_input_contents))

    def captured(self) -> dict[str, dict[str, Any]]:
        """All captured rows by prediction."""
        self.run(self.service.spool.rotate())
        flush(self.place)
        return {row["id"]: row for row in captured.predictions(self.place, "loans").to_dicts()}


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    folder = tmp_path_factory.mktemp("bench")
    found = Bench(load(folder, environ={"NORIA_HOME": str(folder / ".noria")}))
    yield found
    found.close()


def test_the_messages_are_compiled_from_their_definitions() -> None:
    assert compiled() == GENERATED.read_bytes(), "run python -m noria.serve.grpc.compile"


def test_every_message_reads_and_writes_what_tritons_clients_do() -> None:
    from tritonclient.grpc import service_pb2

    def fields(kind: Any) -> set[tuple[Any, ...]]:
        return {(one.number, one.name, one.type, one.is_repeated) for one in kind.fields}

    theirs = service_pb2.DESCRIPTOR.message_types_by_name
    ours = messages.POOL.FindFileByName("inference.proto").message_types_by_name
    assert set(ours) <= set(theirs)
    for name, kind in ours.items():
        beyond = {(6, "properties")} if name == "ModelMetadataResponse" else set()  # the public protocol has it
        assert {(f[0], f[1]) for f in fields(kind) ^ fields(theirs[name])} == beyond
        for inner, one in kind.nested_types_by_name.items():
            if inner != "PropertiesEntry":
                assert fields(one) == fields(theirs[name].nested_types_by_name[inner])


WHOLE = {
    "UINT8": (0, 2**8 - 1),
    "INT16": (-(2**15), 2**15 - 1),
    "INT32": (-(2**31), 2**31 - 1),
    "INT64": (-(2**63), 2**63 - 1),
    "UINT64": (0, 2**64 - 1),
}
NUMBERS = st.one_of(
    st.floats(-(2.0**90), 2.0**90, width=32).map(lambda one: ("FP32", one)),
    st.floats(-1e30, 1e30).map(lambda one: ("FP64", one)),
    st.booleans().map(lambda one: ("BOOL", one)),
    st.just(("FP32", math.nan)),
    *[st.integers(*ends).map(lambda one, name=name: (name, one)) for name, ends in WHOLE.items()],
)


@given(
    NUMBERS, st.text(max_size=9), st.text(max_size=5), st.none() | st.text(max_size=5) | st.integers(-9, 9),
    st.sampled_from(["1", "2"]), st.booleans(), st.sampled_from([[1], [1, 1]]),
)  # fmt: skip
@settings(max_examples=200)
def test_the_quick_way_answers_and_captures_as_the_general_one(
    bench: Bench, age: tuple[str, Any], job: str, id: str, subject: Any, version: str, raw: bool, shape: list[int]
) -> None:
    sent = [Input("job", "BYTES", [job], shape), Input("age", age[0], [age[1]], shape)]
    given = {} if subject is None else {"subject": subject}
    asked = bench.caller.request(sent, version=version, id=id, parameters=given, raw=raw)
    quick, general = bench.quick(asked), bench.general(asked)
    if quick is None:
        assert not raw
        assert age[0] in ("UINT8", "INT16")
        return
    one, other = InferResponse.FromString(quick), general
    assert one.id == (id or one.parameters["prediction_id"].string_param)
    rows = bench.captured() if subject is not None else {}
    first, second = (rows.get(found.parameters["prediction_id"].string_param, {}) for found in (one, other))
    told = {"inputs": "", "id": "", "at": "", "_batch": "", "_row": 0}
    assert first | told == second | told
    assert not first or json.loads(first["inputs"]) == json.loads(second["inputs"])
    for found in (one, other):
        found.parameters["prediction_id"].string_param = found.id = ""
    assert one == other


@pytest.mark.parametrize("raw", [False, True], ids=["typed", "raw"])
@pytest.mark.parametrize(
    "sent",
    [
        CLERK[:1],
        [*CLERK, Input("more", "FP32", [1.0])],
        [CLERK[0], CLERK[0]],
        [Input("age", "FP32", [40.0, 41.0]), Input("job", "BYTES", ["clerk", "nurse"])],
        [Input("age", "FP16", [1.0]), CLERK[1]],
        [Input("age", "FP32", [1.0], []), CLERK[1]],
        [Input("age", "FP32", [1.0], [1, 1, 1]), CLERK[1]],
        [Input("age", "BYTES", ["40"]), CLERK[1]],
        [],
    ],
    ids=["few", "many", "twice", "rows", "half", "no shape", "cube", "text", "none"],
)
def test_what_is_not_plain_is_left_to_the_general_way(bench: Bench, sent: list[Input], raw: bool) -> None:
    if (raw and sent[:1] and sent[0].datatype == "FP16") or not raw or sent:
        assert bench.quick(bench.caller.request(sent, raw=raw)) is None


def test_the_quick_way_follows_the_route_and_does_not_know_other_models(bench: Bench) -> None:
    asked = bench.caller.request(CLERK, raw=True)
    try:
        for number in (3, 4):
            bench.shelf.route("loans", {number: 100})
            bench.run(bench.host.refresh())
            found = said(InferResponse.FromString(bench.quick(asked) or b""))
            assert found.version == str(number)
            assert found.outputs["probability"][2][1] == pytest.approx(small.share(number), abs=1e-5)
        assert bench.quick(bench.caller.request(CLERK, raw=True, version="3")) is None
        assert bench.quick(bench.caller.request(CLERK, raw=True, model="cats")) is None
    finally:
        bench.shelf.route("loans", {1: 50, 2: 50})
        bench.run(bench.host.refresh())


def test_many_threads_get_ids_of_their_own_and_all_their_answers_are_captured(bench: Bench) -> None:
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda n: bench.caller.infer(CLERK, raw=n % 2 == 0, id=str(n)), range(200)))
    assert [one.id for one in answers] == [str(n) for n in range(200)]
    ids = {one.parameters["prediction_id"] for one in answers}
    assert len(ids) == 200
    assert ids <= bench.captured().keys()


def test_a_stream_answers_each_request_in_order_and_goes_on_after_a_bad_one(bench: Bench) -> None:
    kind = message("inference.ModelStreamInferResponse")
    with grpc.insecure_channel(bench.grpc) as channel:
        stream = channel.stream_stream(
            "/inference.GRPCInferenceService/ModelStreamInfer", response_deserializer=kind.FromString
        )
        asked = [
            bench.caller.request(CLERK, id="1"),
            bench.caller.request([], id="2"),
            bench.caller.request(CLERK, id="3"),
        ]
        found = list(stream(iter([one.SerializeToString() for one in asked]), timeout=60))
    assert [one.infer_response.id for one in found] == ["1", "", "3"]
    assert [one.error_message.partition(" (")[0] for one in found] == ["", "the request has no rows", ""]


def test_probes_by_grpcs_own_health_service_are_answered(bench: Bench) -> None:
    package = "grpc.health.v1"
    with grpc.insecure_channel(bench.grpc) as channel:
        check = channel.unary_unary(
            f"/{package}.Health/Check",
            request_serializer=message(f"{package}.HealthCheckRequest").SerializeToString,
            response_deserializer=message(f"{package}.HealthCheckResponse").FromString,
        )
        asked = message(f"{package}.HealthCheckRequest")
        assert [
            check(asked(service=name), timeout=60).status for name in ("", "inference.GRPCInferenceService", "x")
        ] == [1, 1, 3]


def test_a_client_that_numbers_the_repository_otherwise_is_understood(bench: Bench) -> None:
    bench.caller.call("RepositoryModelLoad", repository_name="loans")
    bench.caller.call("RepositoryModelUnload", repository_name="loans")
    with pytest.raises(Refused, match="no model cats"):
        bench.caller.call("RepositoryModelLoad", repository_name="cats")
    elsewhere = "inference.model_repository.ModelRepositoryService"  # where MLServer has it
    found = bench.caller.call("RepositoryIndex", elsewhere).models
    assert ("loans", "READY") in {(one.name, one.state) for one in found}
    bench.caller.call("RepositoryModelLoad", elsewhere, repository_name="", model_name="loans")


def test_feedback_of_every_kind_is_taken_all_or_nothing(bench: Bench) -> None:
    ids = Ids()
    for label in ("yes", 1, 1.5, True):
        assert bench.caller.tell(ids.new("loans"), label) == 1
    both = [{"prediction_id": ids.new("loans"), "rating": 0.5}, {"prediction_id": "x", "label": "yes"}]
    with pytest.raises(Refused, match="no prediction x"):
        bench.caller.call("Tell", "noria.Feedback", feedback=both)
    with pytest.raises(Refused, match="says nothing"):
        bench.caller.call("Tell", "noria.Feedback", feedback=[{"prediction_id": ids.new("loans"), "source": "x"}])


def test_a_message_larger_than_is_taken_is_refused_and_the_connection_goes_on(bench: Bench) -> None:
    with pytest.raises(Refused) as refused:
        bench.caller.send("ModelInfer", bytes((64 << 20) + 1))
    assert refused.value.kind == "too large"
    assert bench.caller.live()


CALLS = ["ServerLive", "ModelReady", "ModelMetadata", "ModelInfer", "RepositoryIndex", "RepositoryModelLoad"]


@st.composite
def damaged(draw: st.DrawFn, valid: bytes) -> bytes:
    """A message with some of its bytes changed, left out or doubled."""
    data = bytearray(valid)
    for _ in range(draw(st.integers(1, 4))):
        at = draw(st.integers(0, max(len(data) - 1, 0)))
        data[at : at + draw(st.integers(0, 3))] = draw(st.binary(max_size=3))
    return bytes(data)


@pytest.mark.parametrize("raw", [False, True], ids=["typed", "raw"])
@given(data=st.data())
@settings(max_examples=150)
def test_whatever_bytes_come_are_answered_or_refused_as_the_callers_mistake(
    bench: Bench, raw: bool, data: st.DataObject
) -> None:
    valid = bench.caller.request(CLERK, raw=raw, parameters={"subject": "s"}, version="1").SerializeToString()
    sent = data.draw(st.binary(max_size=40) | damaged(valid))
    said = refusal(lambda: bench.caller.send(data.draw(st.sampled_from(CALLS)), sent))
    assert said is None or said.kind in ("bad", "not found"), str(said)
    assert "\n" not in str(said)


def refusal(ask: Callable[[], object]) -> Refused | None:
    try:
        ask()
    except Refused as refused:
        return refused
    return None


def test_an_accident_is_said_without_its_details(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("noria.serve.grpc.wire.infer", lambda _: 1 / 0)
    with pytest.raises(Refused, match=r"^ZeroDivisionError: see the server's log$") as refused:
        bench.caller.infer(CLERK[:1])
    assert refused.value.kind == "accident"


def test_a_field_that_nobody_knows_is_passed_over(bench: Bench) -> None:
    known = bench.caller.request(CLERK, raw=True).SerializeToString()
    assert said(bench.caller.send("ModelInfer", known + b"\xf8\x07\x01")).model == "loans"
    assert InferRequest.FromString(known).model_name == "loans"
