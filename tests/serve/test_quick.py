"""The quick way and the general one give the same answer and capture the same; what is not plain takes the second."""

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from noria.data import captured
from noria.serve.capture import Spool
from noria.serve.flush import flush
from noria.serve.host import Host
from noria.serve.predict import Service
from noria.serve.rest import answers, wire
from noria.serve.rest.quick import INFER, Form, Lane
from noria.serve.rest.rows import PREDICT
from noria.settings import Settings, load
from serve import small


class Both:
    """Both ways of one service; ``runner`` is its event loop."""

    def __init__(self, place: Settings) -> None:
        shelf = small.Shelf()
        shelf.route("loans", {1: 50, 2: 50})
        self.shelf, self.runner, self.place = shelf, asyncio.Runner(), place
        self.host = Host(shelf)
        self.runner.run(self.host.refresh())
        self.service = Service(self.host, Spool(place.spool))

    def quick(self, body: bytes, version: int | None = None, form: Form = INFER) -> Any:
        found = Lane(self.service, "loans", version, form).answer(body)
        return None if found is None else json.loads(found[1])

    def general(self, body: bytes, version: int | None = None, form: Form = INFER) -> Any:
        if form is PREDICT:
            request = wire.predict("loans", version, body)
            return json.loads(answers.answer_predict(self.runner.run(self.service.predict(request)), request))
        request, raw = wire.infer("loans", version, body, None)
        answer = self.runner.run(self.service.predict(request))
        return json.loads(answers.answer_infer(answer, request, raw)[0])

    def captured(self) -> dict[str, dict[str, Any]]:
        """All captured rows by prediction."""
        self.runner.run(self.service.spool.rotate())
        flush(self.place)
        return {row["id"]: row for row in captured.predictions(self.place, "loans").to_dicts()}


@pytest.fixture
def both(tmp_path: Path) -> Iterator[Both]:
    found = Both(load(tmp_path, environ={"NORIA_HOME": str(tmp_path / ".noria")}))
    yield found
    found.runner.close()


def body(age: Any, job: Any, **more: Any) -> bytes:
    inputs = [
        {"name": "age", "datatype": "FP64", "shape": [1], "data": [age]},
        {"name": "job", "datatype": "BYTES", "shape": [1, 1], "data": [job]},
    ]
    return json.dumps({"inputs": inputs, **more}).encode()


def rows(age: Any, job: Any, **more: Any) -> bytes:
    return json.dumps({"rows": [{"age": age, "job": job}], **more}).encode()


def without_ids(said: Any) -> Any:
    predictions = [one | {"id": ""} for one in said.get("predictions", ())]
    return {
        **said, "id": "", "parameters": {**said["parameters"], "prediction_id": ""}, "predictions": predictions
    }  # fmt: skip


NUMBERS = st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.floats(-1e30, 1e30)


@pytest.mark.parametrize("form", [INFER, PREDICT], ids=["infer", "predict"])
@given(
    NUMBERS, st.none() | st.text(max_size=9), st.none() | st.text(max_size=5) | st.integers(), st.sampled_from([1, 2])
)
def test_both_ways_give_the_same_answer_and_capture_the_same(
    both: Both, form: Form, age: Any, job: str | None, subject: str | int | None, version: int
) -> None:
    sent = rows(age, job, subject=subject) if form is PREDICT else body(age, job, parameters={"subject": subject})
    one, other = both.quick(sent, version, form), both.general(sent, version, form)
    assert without_ids(one) == without_ids(other)
    assert list(one) == list(other)
    assert one["id"] == one["parameters"]["prediction_id"]
    if subject not in (None, ""):
        assert both.quick(sent, form=form)["model_version"] == both.general(sent, form=form)["model_version"]
    if form is PREDICT:
        assert one["predictions"][0]["id"] == one["id"]
    kept = both.captured()
    first, second = (kept[said["parameters"]["prediction_id"]] for said in (one, other))
    told = {"inputs": "", "id": "", "at": "", "_batch": "", "_row": 0}
    assert first | told == second | told
    assert json.loads(first["inputs"]) == json.loads(second["inputs"])


@pytest.mark.parametrize(
    "sent",
    [
        b"",
        b'{"inputs": "\xff"}',
        b'{"inputs": ' + b"[" * 100_000,
        body(40, "clerk", outputs=[{"name": "label"}]),
        body(40, "clerk", parameters={"binary_data_output": True}),
        body("40", "clerk"),
        body(40, 3),
        body(2**60, "clerk"),
        body([40], "clerk"),
        body(1e300, "clerk"),
        body(40, "clerk").replace(b'"job"', b'"age"'),
        body(40, "clerk").replace(b'"job"', b'"town"'),
        body(40, "clerk").replace(b"FP64", b"FP16"),
        body(40, "clerk").replace(b"[1]", b"[2]", 1),
        b'{"inputs": []}',
    ],
    ids=lambda sent: sent[:60].decode(errors="replace"),
)
def test_what_is_not_plain_is_left_to_the_general_way(both: Both, sent: bytes) -> None:
    assert both.quick(sent) is None
    assert not list(both.place.spool.glob("*.open"))


@pytest.mark.parametrize(
    "sent",
    [
        b"[]",
        b'{"rows": [{"age": "\xff"}]}',
        rows("40", "clerk"),
        rows(40, 3),
        rows(2**60, "clerk"),
        rows(1e300, "clerk"),
        rows([40], "clerk"),
        rows(40, "clerk", parameters={"a": 1}),
        rows(40, "clerk").replace(b'"job"', b'"town"'),
        rows(40, "clerk").replace(b"}", b', "town": 1}', 1),
        b'{"rows": []}',
        b'{"rows": [{}]}',
        b'{"rows": [{"age": 1, "job": "a"}, {"age": 1, "job": "a"}]}',
    ],
    ids=lambda sent: sent[:60].decode(errors="replace"),
)
def test_rows_that_are_not_plain_are_left_to_the_general_way(both: Both, sent: bytes) -> None:
    assert both.quick(sent, form=PREDICT) is None
    assert not list(both.place.spool.glob("*.open"))


def test_the_quick_way_follows_the_route(both: Both) -> None:
    lane = Lane(both.service, "loans", None, INFER)
    versions = []
    for number in (3, 4):
        both.shelf.route("loans", {number: 100})
        both.runner.run(both.host.refresh())
        headers, said = lane.answer(body(40, "clerk")) or ([], b"")
        assert dict(headers)["noria-model-version"] == json.loads(said)["model_version"] == str(number)
        versions.append(json.loads(said)["outputs"][1]["data"][1])
    assert versions == pytest.approx([small.share(3), small.share(4)], abs=1e-5)
    assert Lane(both.service, "loans", 3, INFER).answer(body(40, "clerk")) is None  # not loaded any more
    del both.shelf.routes["loans"]
    both.runner.run(both.host.refresh())
    assert lane.answer(body(40, "clerk")) is None


def test_what_chance_draws_is_captured_as_explored_both_ways_and_nothing_else_is(both: Both) -> None:
    both.shelf.route("loans", {1: 99, 2: 1}, explore=0.5)
    both.runner.run(both.host.refresh())
    split = both.host.endpoints["loans"].split
    sent = rows(30.0, "nurse", subject="one and the same")
    own = split.choose("one and the same")
    ways = [both.quick, both.general] * 60
    said = {one["predictions"][0]["id"]: int(one["model_version"]) for one in (way(sent, form=PREDICT) for way in ways)}
    assert said == {id: split.drawn(id) or own for id in said}
    assert set(said.values()) == {1, 2}
    drawn = {id for id in said if split.drawn(id) is not None}
    assert 20 < len(drawn) < 100
    asked = both.general(sent, version=1, form=PREDICT)["predictions"][0]["id"]
    found = both.captured()
    assert {id: row["variant"] for id, row in found.items()} == {
        **{id: "explored" if id in drawn else f"v{own}" for id in said}, asked: "v1"
    }  # fmt: skip
    assert {id: row["version"] for id, row in found.items()} == {**said, asked: 1}
