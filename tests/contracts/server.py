"""What a server must do over every protocol; a protocol's tests subclass this and supply a caller."""

import json
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import noria
from noria.run.place import Place
from noria.serve.route import Split
from noria.store import routes
from serve.callers import Caller, Input, Refused
from serve.live import until

AGE, AMOUNT = Input("age", "FP32", [40, 41]), Input("amount", "FP32", [50.5, 30])
JOB, SEX = Input("job", "BYTES", ["clerk", "nurse"]), Input("sex", "BYTES", ["f", "m"])
ROWS = [AGE, AMOUNT, JOB, SEX]
ROW = [Input(one.name, one.datatype, one.data[:1]) for one in ROWS]
ANY = pytest.mark.parametrize("raw", [False, True], ids=["typed", "raw"])
MANY = 70_000


def instead(name: str, datatype: str, data: list[Any], shape: list[int] | None = None) -> list[Input]:
    """The rows with another input in the place of one."""
    return [Input(name, datatype, data, shape) if one.name == name else one for one in ROWS]


def infer(inputs: list[Input], **more: Any) -> Callable[[Caller, bool], Any]:
    """To ask for these inputs."""
    return lambda call, raw: call.infer(inputs, raw=raw, **more)


BAD: dict[str, tuple[Callable[[Caller, bool], Any], str, str]] = {
    "no such model": (infer(ROWS, model="cats"), "not found", "no model cats"),
    "no such version": (infer(ROWS, version="9"), "not found", "no version 9"),
    "a version that is no number": (infer(ROWS, version="one"), "not found", "'one'"),
    "a version without end": (infer(ROWS, version="9" * 5000), "not found", "no number"),
    "no inputs": (infer([]), "bad", "no rows"),
    "no rows": (infer([Input(one.name, one.datatype, []) for one in ROWS]), "bad", "no rows"),
    "an input missing": (infer(ROWS[1:]), "bad", "'age' is missing"),
    "an input twice": (infer([*ROWS, AGE]), "bad", "'age' is there twice"),
    "different numbers of rows": (infer(instead("age", "FP32", [1])), "bad", "Align them"),
    "a shape that does not multiply": (
        infer(instead("age", "FP32", [1, 2], [3])), "bad", "'age' has",
    ),
    "a column for each of two": (
        infer(instead("age", "FP32", [1, 2, 3, 4], [2, 2])), "bad", "has shape [2, 2]",
    ),
    "a negative shape": (infer(instead("age", "FP32", [1, 2], [-2])), "bad", "has shape [-2]"),
    "a shape beyond all": (
        infer(instead("age", "FP32", [1, 2], [2**62, 4])), "bad", "has shape",
    ),
    "no shape": (infer(instead("age", "FP32", [1, 2], [])), "bad", "has shape []"),
    "more rows than are taken": (
        infer([Input(o.name, o.datatype, list(o.data[:1]) * MANY) for o in ROWS]),
        "bad", "at most 65536",
    ),
    "a datatype there is none of": (infer(instead("age", "FP99", [1, 2])), "bad", "'FP99'"),
    "texts for numbers": (infer(instead("age", "BYTES", ["a", "b"])), "bad", "no number"),
    "an output there is none of": (infer(ROWS, outputs=["x"]), "bad", "no output 'x'"),
    "metadata of no model": (lambda call, _: call.model("cats"), "not found", "no model cats"),
    "metadata of no version": (lambda call, _: call.model("loans", "9"), "not found", "no version 9"),
    "readiness of no model": (lambda call, _: call.model_ready("cats"), "not found", "no model cats"),
    "readiness of no version": (lambda call, _: call.model_ready("loans", "9"), "not found", "no version 9"),
    "loading no model": (lambda call, _: call.load("cats"), "not found", "no model cats"),
    "unloading what has traffic": (lambda call, _: call.unload("loans", "1"), "bad", "has traffic"),
    "feedback for no prediction": (lambda call, _: call.tell("x", "yes"), "not found", "no prediction x"),
}  # fmt: skip


class ServerContract:
    @pytest.fixture
    def call(self, server: Any) -> Caller:
        raise NotImplementedError("each protocol supplies itself")

    def test_it_is_alive_and_ready_and_says_what_it_is(self, call: Caller) -> None:
        assert call.live()
        assert call.ready()
        said = call.server()
        assert (said["name"], said["version"]) == ("noria", noria.__version__)
        assert set(said["extensions"]) == {"model_repository", "binary_tensor_data", "parameters"}

    @pytest.mark.parametrize("version", ["", "1", "2"])
    def test_a_model_and_each_version_is_ready_and_says_what_it_takes_and_gives(
        self, call: Caller, version: str
    ) -> None:
        assert call.model_ready("loans", version)
        said = call.model("loans", version)
        assert (said["name"], said["platform"], said["versions"]) == ("loans", "noria", ["1", "2"])
        assert said["inputs"] == [{"name": one.name, "datatype": one.datatype, "shape": [-1]} for one in ROWS]
        assert said["outputs"] == [
            {"name": "label", "datatype": "BYTES", "shape": [-1]},
            {"name": "probability", "datatype": "FP32", "shape": [-1, 2]},
        ]
        assert said["parameters"].keys() >= {"weights", "revision", "release", "package"}

    def test_the_index_names_every_version_and_its_state(self, call: Caller) -> None:
        whole = call.index()
        assert [(one["name"], one["version"], one["state"]) for one in whole] == [
            ("loans", "1", "READY"), ("loans", "2", "READY"),
        ]  # fmt: skip
        assert call.index(ready=True) == whole

    @ANY
    @pytest.mark.parametrize("rows", [1, 2])
    def test_an_answer_is_the_versions_own_and_tells_all_that_feedback_needs(
        self, call: Caller, raw: bool, rows: int
    ) -> None:
        sent = ROWS if rows == 2 else ROW
        shares = {}
        for version in ("1", "2"):
            said = call.infer(sent, version=version, raw=raw)
            assert (said.model, said.version) == ("loans", version)
            assert said.parameters.keys() == {"prediction_id", "release", "variant"}
            assert said.id == said.parameters["prediction_id"]
            assert list(said.outputs) == ["label", "probability"]
            datatype, shape, values = said.outputs["probability"]
            assert (datatype, shape) == ("FP32", [rows, 2])
            table = np.array(values).reshape(rows, 2)
            assert table.sum(axis=1) == pytest.approx([1] * rows, abs=1e-5)
            labels = [("no", "yes")[place] for place in table.argmax(axis=1)]
            assert said.outputs["label"] == ("BYTES", [rows], labels)
            shares[version] = values
            assert call.tell(said.id, "yes") == 1
        assert shares["1"] != shares["2"]

    @ANY
    def test_an_id_comes_back_and_one_prediction_is_never_another(self, call: Caller, raw: bool) -> None:
        for sent in (ROW, ROWS):
            named = [call.infer(sent, id=f"mine ü {n}", raw=raw) for n in range(3)]
            assert [one.id for one in named] == [f"mine ü {n}" for n in range(3)]
            assert len({one.parameters["prediction_id"] for one in named}) == 3

    @ANY
    def test_one_row_and_the_same_row_among_others_get_the_same_answer(self, call: Caller, raw: bool) -> None:
        alone = call.infer(ROW, version="1", raw=raw).outputs["probability"][2]
        beside = call.infer(ROWS, version="1", raw=raw).outputs["probability"][2]
        assert alone == pytest.approx(beside[:2], abs=1e-6)

    @ANY
    def test_outputs_are_those_asked_for(self, call: Caller, raw: bool) -> None:
        assert list(call.infer(ROW, outputs=["probability"], raw=raw).outputs) == ["probability"]
        assert list(call.infer(ROW, outputs=["probability", "label"], raw=raw).outputs) == ["probability", "label"]

    @ANY
    @pytest.mark.parametrize("rows", [1, 2])
    @pytest.mark.parametrize(
        "datatype",
        ["UINT8", "UINT16", "UINT32", "UINT64", "INT8", "INT16", "INT32", "INT64", "FP32", "FP64"],
    )
    def test_a_number_is_the_same_number_in_every_datatype(
        self, call: Caller, raw: bool, rows: int, datatype: str
    ) -> None:
        sent = [Input(one.name, datatype if one is AGE else one.datatype, one.data[:rows]) for one in ROWS]
        there = [Input(one.name, one.datatype, one.data[:rows]) for one in ROWS]
        said, expected = call.infer(sent, version="1", raw=raw), call.infer(there, version="1", raw=raw)
        assert said.outputs == expected.outputs

    @ANY
    def test_what_no_model_needs_is_counted(self, call: Caller, raw: bool) -> None:
        more = [Input("shoe", "INT64", [44, 45]), Input("note", "BYTES", ["", "ü\n"])]
        assert call.infer([*ROWS, *more], raw=raw).parameters["ignored"] == 2

    @pytest.mark.parametrize("number", [float("nan"), float("inf"), -float("inf"), 3.4e38])
    def test_what_is_no_finite_number_is_answered_or_refused_as_the_callers_mistake(
        self, call: Caller, number: float
    ) -> None:
        try:
            said = call.infer([Input("age", "FP32", [number]), *ROW[1:]], raw=True)
        except Refused as refused:
            assert refused.kind == "bad"  # noqa: PT017  # either will do
        else:
            assert said.outputs["label"][2][0] in ("no", "yes")

    @ANY
    @pytest.mark.parametrize("what", BAD)
    def test_what_cannot_be_answered_is_refused_with_one_sentence(self, call: Caller, raw: bool, what: str) -> None:
        ask, kind, text = BAD[what]
        with pytest.raises(Refused) as refused:
            ask(call, raw)
        assert (refused.value.kind, text in str(refused.value)) == (kind, True), str(refused.value)
        assert "\n" not in str(refused.value)

    @ANY
    def test_a_route_gives_each_subject_its_version_over_every_protocol(
        self, call: Caller, shared: Place, raw: bool
    ) -> None:
        with shared.store.begin() as c:
            made = routes.set_weights(c, shared.clock, "loans", {"1": 50, "2": 50}, actor="tester", reason="a contract")
        until(lambda: call.model("loans")["parameters"]["revision"] == made.revision, "the route")
        split = Split.of(made.weights, made.salt)
        subjects: list[Any] = [*(f"s{n}" for n in range(20)), 7, 8]
        said = {one: call.infer(ROW, parameters={"subject": one}, raw=raw).version for one in subjects}
        assert said == {one: str(split.choose(str(one))) for one in subjects}
        assert {call.infer(ROW, raw=raw).version for _ in range(30)} == {"1", "2"}

    def test_a_version_without_traffic_is_loaded_and_let_go_as_asked(self, call: Caller, shared: Place) -> None:
        before = json.loads(json.dumps(call.model("loans")["parameters"]["weights"]))
        try:
            self.move(call, shared, {"1": 100})
            assert not call.model_ready("loans", "2")
            assert [one["version"] for one in call.index(ready=True)] == ["1"]
            call.load("loans", "2")
            assert call.model_ready("loans", "2")
            call.unload("loans", "2")
            assert not call.model_ready("loans", "2")
            assert call.infer(ROW, version="2").version == "2"
            call.unload("loans")
            assert [one["version"] for one in call.index(ready=True)] == ["1"]
            call.load("loans")
        finally:
            self.move(call, shared, before)

    def move(self, call: Caller, shared: Place, weights: dict[str, int]) -> None:
        with shared.store.begin() as c:
            made = routes.set_weights(c, shared.clock, "loans", weights, actor="tester", reason="a contract")
        until(lambda: call.model("loans")["parameters"]["revision"] == made.revision, "the route")
