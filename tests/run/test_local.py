"""The wheel turns on this machine: what is computed, what is reused, and what a run says of it."""

import json
from pathlib import Path

import numpy as np
import pytest

import projects
from noria import settings
from noria.digest import Digest
from noria.errors import BadLifecycle, UserCodeFailed, UserError
from noria.run.local import Turn, turn
from noria.run.place import Place, open_place
from noria.store import audit, datasets, lineage, registry, routes, runs

STEPS = ["collect", "validate", "preprocess", "tune", "train", "analyze", "release", "deploy", "feedback"]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return projects.write(tmp_path / "project")


@pytest.fixture
def place(file: Path) -> Place:
    return open_place(settings.load(file.parent, environ={}))


def computed(done: Turn) -> list[str]:
    return [step.step for step in done.steps if step.state == "done"]


def why(done: Turn, word: str) -> str:
    return "; ".join(done.step(word).why or ())


def test_a_first_turn_ends_in_a_served_version(place: Place, file: Path) -> None:
    done = turn(place, file)
    assert done.run.state == "done"
    assert computed(done) == STEPS
    with place.store.read() as c:
        champion = registry.champion(c, "loans")
        route = routes.newest(c, "loans")
        assert champion is not None
        assert champion.metrics["roc_auc"] > 0.6
        assert route is not None
        assert dict(route.weights) == {"1": 100}
        assert list(audit.problems(c)) == []


def test_a_second_turn_computes_nothing(place: Place, file: Path) -> None:
    first, second = turn(place, file), turn(place, file)
    assert computed(second) == []
    assert [step.facts for step in second.steps] == [step.facts for step in first.steps]
    assert why(second, "train") == "nothing it depends on changed"


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("return table.clip(0, LIMIT)", "return table.clip(0, LIMIT)  # years"),
        (
            "    return table.clip(0, LIMIT)",
            '    """Ages within reason."""\n    return table.clip(\n        0, LIMIT\n    )',
        ),
        ("    return 1", "    return 2"),
    ],
    ids=["a comment", "formatting and a docstring", "unrelated code"],
)
def test_what_cannot_change_the_result_reruns_nothing(place: Place, file: Path, before: str, after: str) -> None:
    turn(place, file)
    projects.change(file.parent / "features.py", before, after)
    assert computed(turn(place, file)) == []


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        ("return table.clip(0, LIMIT)", "return table.clip(1, LIMIT)", "function clean_age in features.py changed"),
        ("LIMIT = 100", "LIMIT = 99", "LIMIT"),
    ],
    ids=["a helper", "a constant that the helper reads"],
)
def test_a_changed_helper_reruns_preprocess_and_what_follows_from_it(
    place: Place, file: Path, before: str, after: str, said: str
) -> None:
    turn(place, file)
    projects.change(file.parent / "features.py", before, after)
    done = turn(place, file)
    assert done.step("collect").state == done.step("validate").state == "reused"
    assert computed(done)[0] == "preprocess"
    assert said in why(done, "preprocess")


def test_a_changed_setting_reruns_its_step_and_says_which(place: Place, file: Path) -> None:
    turn(place, file)
    projects.change(file, "choice(0.1, 1.0)", "choice(0.1, 2.0)")
    done = turn(place, file)
    assert computed(done)[0] == "tune"
    assert "setting" in why(done, "tune")


def test_a_new_file_is_one_new_batch_and_a_new_version(place: Place, file: Path) -> None:
    turn(place, file)
    projects.arrive(file.parent, "2")
    done = turn(place, file)
    facts = done.step("collect").facts or {}
    assert (facts["version"], facts["rows"], len(facts["new"])) == (2, 900, 1)
    (file.parent / "inbox" / "copy.csv").write_bytes((file.parent / "inbox" / "2.csv").read_bytes())
    again = turn(place, file)
    assert (again.step("collect").facts or {})["version"] == 2


@pytest.mark.parametrize("remedy", ["resample", "reweight"])
def test_a_label_shift_stops_the_run_and_a_remedy_restarts_it(place: Place, file: Path, remedy: str) -> None:
    turn(place, file)
    projects.arrive(file.parent, "2", approved=0.8)
    stopped = turn(place, file)
    assert stopped.run.state == "stopped"
    assert [step.state for step in stopped.steps[2:]] == ["waiting"] * 7
    assert "50% to 80%" in (stopped.run.message or "")
    assert "--remedy resample" in (stopped.run.message or "")
    done = turn(place, file, remedy=remedy)
    assert done.run.state == "done"
    with place.store.read() as c:
        assert datasets.get_version(c, "loans", 2).remedy == remedy
        assert any(entry.action == "remedy" and entry.after == remedy for entry in audit.entries(c))
        made = registry.releases(c, "loans")[-1]
        assert json.loads(place.artifacts.get(Digest(made.record)))["remedy"] == remedy
        assert f"remedy:{remedy}" in {edge.parent for edge in lineage.up(c, f"release:{made.id}")}
        outputs = runs.result(c, done.step("preprocess").id).outputs
    labels, weights = (np.load(place.artifacts.path(outputs[f"{name}.train.npy"].digest)) for name in "yw")
    total = [weights[labels == one].sum() for one in (0, 1)]
    assert total[0] == pytest.approx(total[1])
    counts = np.bincount(labels)
    assert (counts[0] == counts[1]) == (remedy == "resample")


def test_force_computes_a_step_again_with_the_same_result(place: Place, file: Path) -> None:
    first = turn(place, file)
    done = turn(place, file, force=["train"])
    assert computed(done) == ["train"]
    assert why(done, "train") == "it was forced"
    with place.store.read() as c:
        assert len(registry.versions(c, "loans")) == 1
    assert done.step("train").facts == first.step("train").facts


def test_a_user_function_that_raises_fails_the_run_and_mending_it_goes_on(place: Place, file: Path) -> None:
    projects.change(file.parent / "features.py", "return table.clip(0, LIMIT)", "return table.no_such_thing()")
    with pytest.raises(UserCodeFailed, match="no_such_thing"):
        turn(place, file)
    projects.change(file.parent / "features.py", "return table.no_such_thing()", "return table.clip(0, LIMIT)")
    done = turn(place, file)
    assert done.run.state == "done"
    assert done.step("collect").state == "reused"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("x = (", "was never closed"),
        ("import noria as nr\n", "declares no lifecycle"),
        ("import nothing_like_this", "nothing_like_this"),
        ("1 / 0", "ZeroDivisionError"),
    ],
)
def test_a_lifecycle_file_that_cannot_be_loaded_is_named_with_its_line(
    place: Place, file: Path, text: str, said: str
) -> None:
    file.write_text(text)
    with pytest.raises(BadLifecycle, match=said) as caught:
        turn(place, file)
    assert "lifecycle.py" in caught.value.where


def test_an_unknown_remedy_or_step_is_a_mistake(place: Place, file: Path) -> None:
    with pytest.raises(UserError, match="resample"):
        turn(place, file, remedy="pray")
    with pytest.raises(UserError, match="preprocess"):
        turn(place, file, force=["cook"])


def test_a_release_that_is_judged_again_is_the_release_it_was(place: Place, file: Path) -> None:
    turn(place, file)
    projects.arrive(file.parent, "2")
    second = turn(place, file)
    again = turn(place, file, force=["release"])
    assert (again.step("release").facts or {})["number"] == (second.step("release").facts or {})["number"] == 2
    with place.store.read() as c:
        assert [one.number for one in registry.versions(c, "loans")] == [1, 2]
        route = routes.newest(c, "loans")
        assert route is not None
        assert set(route.weights) == {"1", "2"}
