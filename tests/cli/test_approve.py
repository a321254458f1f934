"""noria model approve and refuse: where a person must say yes, the wheel stops, and goes on from there."""

import shutil
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import projects
from noria.cli.main import main
from noria.store import lineage, registry, routes, runs

from .conftest import Ended, Noria, place_of


@pytest.fixture(scope="session")
def stopped(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project whose first candidate waits. Only to be copied."""
    file = projects.write(tmp_path_factory.mktemp("stopped") / "project")
    projects.change(file, "0.6)]),", '0.6)], approval="person"),')
    assert main(["run", str(file)]) == 3
    return file.parent


@pytest.fixture
def mine(stopped: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """In a copy of that project."""
    folder = tmp_path / "mine"
    shutil.copytree(stopped, folder)
    monkeypatch.chdir(folder)
    return folder


def waiting(folder: Path) -> registry.Release:
    """The newest release on record; it waits."""
    place = place_of(folder)
    with place.store.read() as c:
        found = registry.releases(c, "loans")[-1]
    assert found.decision == "waiting"
    return found


def approve(noria: Noria, id: str, *flags: str) -> Ended:
    return noria("model", "approve", id, "--reason", "the card looks good", *flags)


def everything(folder: Path) -> tuple[Any, ...]:
    """All that a decision could have changed."""
    place = place_of(folder)
    with place.store.read() as c:
        steps = [(one.state, one.facts, one.message) for one in runs.steps(c, "loans-1")]
        return (
            registry.versions(c),
            registry.releases(c, "loans"),
            registry.aliases(c, "loans"),
            routes.history(c, "loans"),
            steps,
        )


def test_what_waits_is_named_with_the_command_that_approves_it(mine: Path, noria: Noria) -> None:
    command = f"noria model approve {waiting(mine).id} --reason"
    assert command in noria("model", "list").out
    place = place_of(mine)
    with place.store.read() as c:
        assert command in (runs.get(c, "loans-1").message or "")


def test_an_approved_candidate_is_the_next_version_with_who_and_why(mine: Path, noria: Noria) -> None:
    asked = waiting(mine)
    made = approve(noria, asked.id, "--json").data
    assert (made["model"], made["number"], made["run_id"]) == ("loans", 1, "loans-1")
    place = place_of(mine)
    with place.store.read() as c:
        assert registry.aliases(c, "loans") == {"champion": 1}
        version = registry.version(c, "loans", 1)
        release = registry.get_release(c, version.release_id)
        assert registry.get_release(c, asked.id) == asked  # what was on record stays
        step = runs.step(c, "loans-1", "release")
        outputs = runs.result(c, step.id).outputs
        package = runs.result(c, runs.step(c, "loans-1", "train").id).outputs["model"].digest
        up = {(edge.child, edge.parent) for edge in lineage.up(c, "model_version:loans@1")}
    assert (release.decision, release.number) == ("released", 1)
    assert (release.decided_by, release.reason) == ("tester", "the card looks good")
    assert version.package == package.hex
    assert outputs["release.json"].digest.hex == release.record
    assert step.state == "done"
    assert step.facts is not None
    assert (step.facts["decision"], step.facts["number"], step.facts["release"]) == ("released", 1, release.id)
    assert b"the card looks good" in place.artifacts.get(outputs["card.html"].digest)
    assert up >= {
        ("model_version:loans@1", f"release:{release.id}"),
        (f"release:{release.id}", f"release:{asked.id}"),
        (f"release:{release.id}", f"artifact:{package.hex}"),
        ("run:loans-1", "dataset_version:loans@1"),
    }
    entries = noria("audit", "show", "--json").data[-2:]
    assert [(one["actor"], one["action"], one["reason"]) for one in entries] == [
        ("tester", "released", "the card looks good"),
        ("tester", "alias champion", "the card looks good"),
    ]
    assert noria("audit", "verify").code == 0


def computed(folder: Path) -> Counter[str]:
    """How often each step was computed, over all runs."""
    place, found = place_of(folder), Counter[str]()
    with place.store.read() as c:
        for run in runs.newest(c, "loans", 9):
            found.update({one.step: one.attempt for one in runs.steps(c, run.id)})
    return found


def test_the_next_run_goes_on_with_deploy_and_computes_nothing_again(mine: Path, noria: Noria) -> None:
    assert "goes on with deploy" in approve(noria, waiting(mine).id).out
    before = computed(mine)
    assert noria("run", "lifecycle.py", "--json").data["state"] == "done"
    assert computed(mine) - before == Counter(["deploy", "feedback"])
    assert noria("route", "show", "--json").data[0]["weights"] == {"1": 100}
    assert noria("run", "lifecycle.py", "--json").data["state"] == "done"
    assert computed(mine) - before == Counter(["deploy", "feedback"])


@pytest.mark.parametrize("first", ["approve", "refuse"])
@pytest.mark.parametrize("second", ["approve", "refuse"])
def test_there_is_one_decision(mine: Path, noria: Noria, first: str, second: str) -> None:
    id = waiting(mine).id
    assert noria("model", first, id, "--reason", "the first word").code == 0
    before = everything(mine)
    ended = noria("model", second, id, "--reason", "the second word")
    assert ended.code == 2
    assert f"release {id} was {'released' if first == 'approve' else 'refused'} by tester" in ended.said
    assert "the first word" in ended.said
    assert everything(mine) == before


def test_a_refused_candidate_is_no_version_and_the_reason_is_on_record(mine: Path, noria: Noria) -> None:
    ended = noria("model", "refuse", waiting(mine).id, "--reason", "[/] unfair to nurses", "--json")
    assert (ended.data["decision"], ended.data["number"]) == ("refused", None)
    versions, releases, aliases, history, steps = everything(mine)
    assert (versions, aliases, history) == ([], {}, [])
    assert [(one.decision, one.reason) for one in releases[1:]] == [("refused", "[/] unfair to nurses")]
    assert steps[6][0] == "blocked"
    assert steps[6][2] == "The candidate was refused by tester: [/] unfair to nurses."
    assert "[/] unfair to nurses" in noria("audit", "show").out
    assert "waits" not in noria("model", "list").out


@pytest.mark.parametrize("command", ["approve", "refuse"])
@pytest.mark.parametrize(
    ("words", "said"),
    [
        (lambda id: [id[:-1] + "x", "--reason", "y"], "Did you mean {id}?"),
        (lambda id: ["nothing", "--reason", "y"], "There are: {id}."),
        (lambda id: [id, "--reason", "  "], "the reason is empty (--reason)."),
        (lambda id: [id], "Missing option '--reason'"),
    ],
    ids=["a wrong digit", "an unknown release", "an empty reason", "no reason"],
)
def test_a_mistake_is_one_sentence_and_decides_nothing(
    mine: Path, noria: Noria, command: str, words: Callable[[str], list[str]], said: str
) -> None:
    id, before = waiting(mine).id, everything(mine)
    ended = noria("model", command, *words(id))
    assert (ended.code, ended.out) == (2, "")
    assert said.format(id=id) in ended.said
    assert everything(mine) == before


def test_a_candidate_that_was_compared_with_another_champion_cannot_be_approved(mine: Path, noria: Noria) -> None:
    first = waiting(mine).id
    projects.change(mine / "lifecycle.py", "choice(0.1, 1.0)", "choice(0.01, 1.0)")
    assert noria("run", "lifecycle.py").code == 3
    second = waiting(mine).id
    assert first != second
    assert approve(noria, first).out.endswith("A newer run has begun since; to give this version traffic: "
                                              "noria model promote loans@1\n")  # fmt: skip
    before = everything(mine)
    said = approve(noria, second).said
    assert "the champion is version 1, and the gates compared the candidate with none" in said
    assert everything(mine) == before


@pytest.mark.parametrize("again", [["--force", "release"], []], ids=["forced", "with another gate"])
def test_nobody_is_asked_twice_about_the_same_candidate(mine: Path, noria: Noria, again: list[str]) -> None:
    assert approve(noria, waiting(mine).id).code == 0
    assert noria("run", "lifecycle.py").code == 0
    before = everything(mine)[:4]
    if not again:
        projects.change(mine / "lifecycle.py", "0.6)]", "0.61)]")
    done = noria("run", "lifecycle.py", *again, "--json")
    assert (done.code, done.data["state"]) == (0, "done")
    facts = next(one["facts"] for one in done.data["steps"] if one["step"] == "release")
    assert (facts["decision"], facts["number"], facts["release"]) == ("released", 1, before[0][0].release_id)
    assert everything(mine)[:4] == before


def test_a_refused_candidate_that_is_forced_again_stays_refused_and_names_who_said_so(mine: Path, noria: Noria) -> None:
    assert noria("model", "refuse", waiting(mine).id, "--reason", "unfair").code == 0
    before = everything(mine)[:4]
    done = noria("run", "lifecycle.py", "--force", "release", "--json")
    assert done.code == 3
    assert done.data["message"] == "The candidate was refused by tester: unfair."
    assert everything(mine)[:4] == before


def test_beside_a_champion_the_approved_one_is_the_challenger(mine: Path, noria: Noria) -> None:
    assert approve(noria, waiting(mine).id).code == 0
    assert noria("run", "lifecycle.py").code == 0
    projects.arrive(mine, "2")
    assert noria("run", "lifecycle.py").code == 3
    assert approve(noria, waiting(mine).id, "--json").data["number"] == 2
    assert noria("run", "lifecycle.py").code == 0
    assert [one["aliases"] for one in noria("model", "list", "--json").data] == [["champion"], ["challenger"]]
    assert noria("route", "show", "--json").data[0]["weights"] == {"1": 90, "2": 10}
