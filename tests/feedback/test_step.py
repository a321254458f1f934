"""What is live is measured when labels come, and a drop is told while it is live."""

import json
from pathlib import Path
from typing import Any

import polars as pl
import pytest

import noria as nr
from data.steps import NOON, Bench
from noria.data import captured, table
from noria.feedback import step
from noria.store import registry, routes


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    rule = nr.Feedback(retrain=nr.when("accuracy", drops=0.1))
    on = Bench(tmp_path, nr.Lifecycle("loans", collect="inbox/*.csv", label="paid", feedback=rule))
    with on.store.begin() as c:
        for number in (1, 2):
            registry.add_version(
                c,
                registry.ModelVersion(
                    "loans", number, "p", "onnx", on.run.id, "loans", 1, {}, {"accuracy": 0.9}, f"r{number}", NOON.now()
                ),
            )
    return on


def route(on: Bench, **weights: int) -> None:
    with on.store.begin() as c:
        by_number = {name.removeprefix("v"): weight for name, weight in weights.items()}
        routes.set_weights(c, NOON, "loans", by_number, actor="test", reason="test")


def serve(on: Bench, version: int, right: int, wrong: int, unlabelled: int = 0) -> None:
    count = right + wrong + unlabelled
    out = json.dumps({"probabilities": {"no": 0.2, "yes": 0.8}})
    ids = [f"v{version}-{n}" for n in range(count)]
    served = [{**dict.fromkeys(captured.PREDICTION), "id": id, "version": version, "outputs": out} for id in ids]
    told = [
        {**dict.fromkeys(captured.FEEDBACK), "prediction": id, "at": "2026", "label": "yes" if n < right else "no"}
        for n, id in enumerate(ids[: right + wrong])
    ]
    for kind, rows, kinds in (("predictions", served, captured.PREDICTION), ("feedback", told, captured.FEEDBACK)):
        frame = pl.DataFrame(rows, schema=kinds, orient="row")
        table.append(captured.path(on.settings, "loans", kind), f"v{version}", frame)


def observed(on: Bench) -> list[Any]:
    return list(step.observe(on.attempt("feedback"), on.run.plan.step("feedback")))


def test_before_anything_is_served_there_is_nothing(bench: Bench) -> None:
    done = bench.do("feedback")
    assert (done.facts, done.alerts) == ({"joined": 0, "unlabelled": 0, "metrics": {}}, [])


def test_a_live_version_that_drops_is_told_with_its_evidence(bench: Bench) -> None:
    route(bench, v1=90, v2=10)
    serve(bench, 1, 90, 60, unlabelled=50)
    serve(bench, 2, 95, 5)
    done = bench.do("feedback")
    assert done.facts == {"joined": 250, "unlabelled": 50, "metrics": {"version 1": 0.6, "version 2": 0.95}}
    [alert] = done.alerts
    assert (alert.severity, alert.what) == ("warn", "accuracy of version 1 is 0.600 live and was 0.900 at release")
    kept = bench.json("feedback", "performance.json")
    assert [one for one in kept["measured"] if one["by"] == "version"] == alert.evidence["versions"]
    assert b"What is live: loans" in bench.bytes("feedback", "report.html")


def test_a_version_that_is_no_longer_served_calls_for_nothing(bench: Bench) -> None:
    serve(bench, 1, 90, 60)
    route(bench, v2=100)
    assert bench.do("feedback").alerts == []


def test_new_answers_new_labels_and_a_new_route_are_each_a_reason_to_look_again(bench: Bench) -> None:
    seen = [observed(bench)]
    serve(bench, 1, 3, 1)
    seen.append(observed(bench))
    route(bench, v1=100)
    seen.append(observed(bench))
    assert seen[0] == [-1, -1, -1, 0]
    assert min(seen[1][:2]) >= 0
    assert seen[2] == [*seen[1][:3], 1]
    assert seen[1] != seen[0]
    assert observed(bench) == seen[-1]
