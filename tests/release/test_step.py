"""May the candidate become the next version? On a real candidate and a real champion."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.compose import ColumnTransformer
from sklearn.dummy import DummyClassifier
from sklearn.linear_model import LogisticRegression

import noria as nr
import projects
from data.steps import Bench
from noria.data.schema import Schema
from noria.errors import BadLifecycle
from noria.release import step
from noria.store import audit, registry

SCHEMA = Schema(label="approved", subject="applicant", protected=["sex"], positive="yes")


def bench(folder: Path, **options: Any) -> Bench:
    lifecycle = nr.Lifecycle("loans", collect="inbox/*.csv", schema=SCHEMA, release=nr.Release(**options))
    lifecycle.preprocess(lambda: ColumnTransformer([("n", "passthrough", ["age", "amount"])]))
    lifecycle.train(lambda: LogisticRegression(max_iter=1000))
    made = Bench(folder, lifecycle)
    made.arrive("1.csv", projects.rows(600))
    return made


def again(on: Bench, estimator: Any, seed: int) -> Any:
    """Another run with more rows and another estimator, up to the release."""
    on.turn()
    on.arrive(f"{seed}.csv", projects.rows(200, seed=seed, first=1000 * seed))
    on.lifecycle.functions["train"] = lambda: estimator
    return on.upto("release")


def test_the_first_candidate_that_passes_is_the_champion_with_its_record(tmp_path: Path) -> None:
    on = bench(tmp_path, gates=[nr.at_least("roc_auc", 0.6), nr.better_than_champion()])
    done = on.upto("release")
    record = on.json("release", "release.json")
    assert (done.facts["decision"], done.facts["number"], done.blocked) == ("released", 1, None)
    with on.store.read() as c:
        [version] = registry.versions(c, "loans")
        [release] = registry.releases(c, "loans")
        assert registry.aliases(c, "loans") == {"champion": 1}
    assert version.package == on.results["train"].outputs["model"].digest.hex
    assert version.metrics == record["analysis"]["metrics"]
    assert (release.id, release.decision, release.record) == (
        record["release"],
        "released",
        on.results["release"].outputs["release.json"].digest.hex,
    )
    assert [one["verdict"] for one in record["verdicts"]] == ["pass", "pass"]
    assert (record["dataset_version"], record["rows"], record["seed"]) == (1, on.results["preprocess"].facts["rows"], 0)
    card = on.bytes("release", "card.html").decode()
    assert "loans@1" in card
    assert "released" in card


def test_a_candidate_that_is_worse_than_the_champion_is_refused_and_nothing_moves(tmp_path: Path) -> None:
    on = bench(tmp_path)
    on.upto("release")
    done = again(on, DummyClassifier(), 2)
    assert (done.facts["decision"], done.facts["number"], done.facts["champion"]) == ("refused", None, 1)
    assert "better than champion: roc_auc" in (done.blocked or "")
    assert "0.5000 against" in (done.blocked or "")
    [alert] = done.alerts
    assert (alert.severity, alert.evidence["verdicts"]) == ("block", done.facts["verdicts"])
    assert alert.do
    with on.store.read() as c:
        assert registry.aliases(c, "loans") == {"champion": 1}
        assert {one.decision for one in registry.releases(c, "loans")} == {"released", "refused"}


def test_a_candidate_beside_a_champion_becomes_the_challenger(tmp_path: Path) -> None:
    on = bench(tmp_path)
    on.upto("release")
    done = again(on, LogisticRegression(max_iter=1000, C=0.9), 2)
    assert (done.facts["decision"], done.facts["number"]) == ("released", 2)
    with on.store.read() as c:
        assert registry.aliases(c, "loans") == {"champion": 1, "challenger": 2}


def test_where_a_person_must_approve_it_waits(tmp_path: Path) -> None:
    on = bench(tmp_path, approval="person")
    done = on.upto("release")
    assert done.facts["decision"] == "waiting"
    assert done.facts["release"] in (done.blocked or "")
    assert [alert.severity for alert in done.alerts] == ["info"]
    with on.store.read() as c:
        assert registry.versions(c, "loans") == []


@pytest.mark.parametrize("bound", [0.6, 0.99], ids=["released", "refused"])
def test_committing_it_again_changes_nothing(tmp_path: Path, bound: float) -> None:
    on = bench(tmp_path, gates=[nr.at_least("roc_auc", bound)])
    done = on.upto("release")

    def kept() -> tuple[Any, ...]:
        with on.store.read() as c:
            return registry.versions(c, "loans"), registry.releases(c, "loans"), list(audit.entries(c))

    before = kept()
    with on.store.begin() as c:
        for effect in done.effects:
            effect(c)
    assert kept() == before


def test_a_metric_of_another_task_is_a_mistake_in_the_lifecycle(tmp_path: Path) -> None:
    on = bench(tmp_path, gates=[nr.better_than_champion("rmse")])
    with pytest.raises(BadLifecycle, match="rmse is no metric of classification"):
        on.upto("release")


def test_a_champion_that_knows_other_classes_is_compared_by_name() -> None:
    scores = np.array([[0.2, 0.8], [0.6, 0.4]])
    assert step._in_order(scores, ("no", "yes"), ("maybe", "yes", "no")).tolist() == [[0, 0.8, 0.2], [0, 0.4, 0.6]]
