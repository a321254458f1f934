"""The figures of the loop, against a history that is written down here."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from noria.digest import Digest
from noria.governance import loop, needs
from noria.governance.loop import Records, Spread, measure
from noria.governance.needs import Seen, layers
from noria.plan import Plan, Step
from noria.store.alerts import Sent
from noria.store.audit import Entry
from noria.store.datasets import Batch, Version
from noria.store.registry import ModelVersion, Release
from noria.store.routes import Route

BEGAN = datetime(2026, 1, 5, tzinfo=UTC)


def after(hours: float) -> datetime:
    return BEGAN + timedelta(hours=hours)


def batch(number: int, hours: float, state: str = "accepted") -> Batch:
    return Batch(f"b{number}", "loans", number, f"d{number}", 10, 1, "files", {"name": "f"}, None, state, None, None,
                 after(hours))  # fmt: skip


def version(number: int, ids: list[str], hours: float, verdict: str = "pass") -> Version:
    return Version("loans", number, f"v{number}", ids, 10, None, verdict, None, None, None, None, None, after(hours))


def model(number: int, on: int) -> ModelVersion:
    return ModelVersion("loans", number, "p", "onnx", f"loans-{number}", "loans", on, {}, {}, f"r{number}", BEGAN)


def release(id: str, decision: str, hours: float, number: int | None = None) -> Release:
    return Release(id, "loans", number, "loans-1", decision, "r", [], "gates", "r", after(hours))


def route(revision: int, weights: dict[str, int], hours: float) -> Route:
    return Route("loans", revision, weights, [], "salt", "ann", "r", after(hours))


def champion(number: int, place: int, hours: float) -> Entry:
    return Entry(place, after(hours).isoformat(), "ann", "alias champion", "model:loans", None, number, "r", "", "")


HISTORY = Records(
    batches=[batch(1, 0), batch(2, 24), batch(3, 25, "quarantined"), batch(4, 200)],
    versions=[version(1, ["b1"], 1), version(2, ["b1", "b2"], 25), version(3, ["b1", "b2", "b4"], 201, "block")],
    models=[model(1, 1), model(2, 2)],
    releases=[
        release("r1", "released", 2, 1),
        release("w1", "waiting", 30),
        release("a1", "released", 40, 2),
        release("w2", "waiting", 300),
    ],
    routes=[
        route(1, {"1": 100}, 3),
        route(2, {"1": 90, "2": 10}, 41),
        route(3, {"2": 100}, 50),
        route(4, {"1": 100}, 56),
    ],
    alerts=[Sent("a", "loans", None, None, "warn", "worse", "live", {}, "look", after(54))],
    audit=[champion(1, 1, 2), champion(2, 2, 50), champion(1, 3, 56)],
    answers={"a1": "w1"},
)


def test_the_figures_are_those_of_the_history() -> None:
    found = measure(HISTORY, after(336))
    hour = 3600.0
    assert found.lead == Spread(2, 20 * hour, 10 * hour, 17 * hour, 17 * hour)
    assert found.unserved == 1
    assert (found.releases, found.per_week) == (2, 1.0)
    assert (found.live, found.rolled_back, found.share_rolled_back) == (2, [2], 0.5)
    assert found.restore == Spread.of([6 * hour])
    assert found.restore_from_alert == Spread.of([2 * hour])
    assert found.waited == Spread.of([10 * hour])
    assert found.waiting == {"release w2": 36 * hour, "data loans@3": 135 * hour}
    assert loop.sum_hours(found) == 10 + 36 + 135


def test_of_nothing_nothing_is_said() -> None:
    found = measure(Records([], [], [], [], [], [], []), BEGAN)
    assert (found.lead.count, found.per_week, found.share_rolled_back, found.waiting) == (0, None, None, {})
    assert loop.plain(found)["lead_time"]["median_s"] is None


def test_forward_is_no_way_back() -> None:
    onward = replace(HISTORY, audit=[champion(1, 1, 2), champion(2, 2, 50), champion(3, 3, 60)])
    assert measure(onward, after(100)).rolled_back == []


def seen(**changes: object) -> Seen:
    steps = (
        Step("collect", config={"items": [{"kind": "Files", "pattern": "in/*.csv"}]}),
        Step("tune", config={"trials": 6, "space": {"C": {}}}),
        Step("release", config={"gates": [{"kind": "Fair"}], "schema": {"protected": ["sex"]}}),
        Step("feedback", config={}),
    )
    counted = "runs by_itself batches batches_captured versions judged quarantined predictions labelled releases"
    nothing = dict.fromkeys([*counted.split(), "experiments", "alerts", "holds", "cleared"], 0)
    plan = Plan("loans", steps, Digest.of(b"").hex, "lifecycle.py")
    return Seen(plan, **{**nothing, "database": "SQLite", "artifacts": "a folder", **changes})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("changes", "layer", "state", "sentence"),
    [
        ({}, "collect", needs.MISSING, "no batch was ever collected"),
        ({"batches": 2, "runs": 3}, "collect", needs.PARTLY, "every run was started by a person"),
        ({"batches": 2, "runs": 3, "by_itself": 1}, "collect", needs.AUTOMATIC, "1 of 3 runs began by themselves"),
        ({}, "move and store", needs.PARTLY, "whether anybody makes backups is on no record"),
        ({"versions": 1, "judged": 1}, "explore and transform", needs.PARTLY, "no rule of your own"),
        ({"predictions": 10, "labelled": 4}, "aggregate and label", needs.PARTLY, "4 of 10 answers got their label"),
        ({}, "learn and optimise", needs.PARTLY, "no gate compares a candidate with the champion"),
        ({}, "learn and optimise", needs.PARTLY, "a gate bounds differences by sex"),
        ({}, "AI in use", needs.MISSING, "nothing was ever asked of it"),
        ({"predictions": 1}, "AI in use", needs.PARTLY, "no experiment between versions was ever run"),
    ],
)
def test_each_layer_says_what_it_does_and_what_is_missing(
    changes: dict[str, int], layer: str, state: str, sentence: str
) -> None:
    found = next(one for one in layers(seen(**changes)) if one.name == layer)
    assert found.state == state
    assert any(sentence in text for text in (*found.does, *found.missing))
