"""A lifecycle compiles to a plan: plain data that says all there is to do, and nothing of the user's code."""

import json
from pathlib import Path

import pytest

import noria as nr
import projects
from noria import settings
from noria.compile import NEEDS
from noria.errors import BadLifecycle
from noria.plan import Plan
from noria.run.local import compile_file, load
from noria.run.place import open_place


def plan_of(file: Path) -> Plan:
    return compile_file(open_place(settings.load(file.parent, environ={})), file, load(file))


def test_a_plan_is_plain_json_and_comes_back_as_it_was(tmp_path: Path) -> None:
    plan = plan_of(projects.write(tmp_path / "project"))
    text = plan.to_json()
    assert Plan.from_json(text) == plan
    assert json.loads(text)["lifecycle"] == "loans"
    assert "LogisticRegression" not in text
    assert [step.name for step in plan.in_order()] == list(NEEDS)


def test_the_same_file_gives_the_same_plan_and_another_folder_too(tmp_path: Path) -> None:
    one, other = (plan_of(projects.write(tmp_path / name / "project")) for name in ("a", "b"))
    assert one.to_json() == other.to_json()


@pytest.mark.parametrize(
    ("before", "after", "changed"),
    [
        ("label_shift=0.1", "label_shift=0.2", {"validate"}),
        ("choice(0.1, 1.0)", "choice(0.1, 2.0)", {"tune"}),
        ("sensitivity=0.01", "sensitivity=0.02", {"analyze"}),
        ('at_least("roc_auc", 0.6)', 'at_least("roc_auc", 0.5)', {"release"}),
        ("    return LogisticRegression", "    1\n    return LogisticRegression", {"tune", "train"}),
    ],
)
def test_a_change_changes_the_steps_it_is_about(tmp_path: Path, before: str, after: str, changed: set[str]) -> None:
    file = projects.write(tmp_path / "project")
    old = plan_of(file)
    projects.change(file, before, after)
    new = plan_of(file)
    assert {step.name for step in new.in_order() if step != old.step(step.name)} == changed


def test_every_rule_that_does_not_hold_is_said_at_once(tmp_path: Path) -> None:
    file = projects.write(tmp_path / "project")
    projects.change(file, 'subject="applicant"', 'subject="approved"')
    projects.change(file, "    release=", '    resources={"cook": nr.Resources()},\n    release=')
    with pytest.raises(BadLifecycle) as caught:
        plan_of(file)
    assert "'cook', which is no step" in str(caught.value)
    assert "'approved' is also subject" in str(caught.value)
    assert nr.Resources().pool == "default"
