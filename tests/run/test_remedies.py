"""What a person does about data that stopped a run: leave them out, or take them as they are."""

from pathlib import Path

import pytest

import projects
from noria import settings
from noria.cli.main import main
from noria.errors import UserError
from noria.run.local import Turn, Watcher, compile_file, load, turn
from noria.run.place import Place, open_place
from noria.store import audit, datasets, runs, verdicts


class Heard(Watcher):
    def __init__(self) -> None:
        self.sentences: list[str] = []

    def said(self, message: str) -> None:
        self.sentences.append(message)


def shifted(folder: Path) -> tuple[Place, Path]:
    """A project that turned once and was stopped at a second file, whose labels moved."""
    file = projects.write(folder / "project")
    place = open_place(settings.load(file.parent, environ={"NORIA_ACTOR": "ada"}))
    turn(place, file)
    projects.arrive(file.parent, "2", approved=0.8)
    return place, file


def verdict(done: Turn) -> str:
    return str((done.step("validate").facts or {})["verdict"])


def test_a_batch_that_is_quarantined_leaves_the_run_with_the_version_from_before(tmp_path: Path) -> None:
    place, file = shifted(tmp_path)
    heard = Heard()
    done = turn(place, file, remedy="quarantine", reason="the source was mad", watcher=heard)
    states = {step.step: step.state for step in done.steps}
    assert (done.run.state, verdict(done), states["preprocess"], states["train"]) == (
        "done",
        "pass",
        "reused",
        "reused",
    )
    assert "is left out: loans@2, approved: the share of label" in heard.sentences[0]
    assert heard.sentences[1] == "Nothing new is left: the run goes on with loans@1, as before."
    assert done.run.message == " ".join(heard.sentences)
    with place.store.read() as c:
        out = datasets.batches(c, "loans")[1]
        assert (out.state, out.reason) == ("quarantined", "the source was mad")
        assert datasets.get_version(c, "loans", 2).verdict == "block"
        [entry] = [one for one in audit.entries(c) if one.action == "quarantine"]
        assert (entry.actor, entry.subject, entry.reason) == ("ada", f"batch:loans/{out.id}", "the source was mad")
        assert list(audit.problems(c)) == []
    projects.arrive(file.parent, "33", approved=0.5)
    later = turn(place, file)
    assert (later.run.state, (later.step("collect").facts or {})["rows"]) == ("done", 900)


def test_only_the_batch_to_blame_is_quarantined_and_the_others_go_on(tmp_path: Path) -> None:
    place, file = shifted(tmp_path)
    projects.rows(300, seed=5, first=500_000).write_csv(file.parent / "inbox" / "3.csv")
    heard = Heard()
    done = turn(place, file, remedy="quarantine", reason="mad", watcher=heard)
    assert (done.run.state, (done.step("collect").facts or {})["rows"]) == ("done", 900)
    assert [sentence.partition(")")[0].rpartition("(")[2] for sentence in heard.sentences[:-1]] == [
        "inbox/2.csv, 300 rows"
    ]
    assert heard.sentences[-1] == "The run goes on with loans@3: 900 rows."
    again = turn(place, file)
    assert {step.state for step in again.steps if step.step not in ("collect", "validate")} == {"reused"}


def test_what_is_accepted_goes_on_as_it_is_and_is_the_measure_from_then_on(tmp_path: Path) -> None:
    place, file = shifted(tmp_path)
    assert turn(place, file).run.state == "stopped"
    done = turn(place, file, remedy="accept", reason="the law changed")
    assert ((done.step("validate").facts or {})["remedy"], verdict(done)) == ("accept", "warn")
    with place.store.read() as c:
        found = datasets.get_version(c, "loans", 2)
        assert (found.verdict, found.remedy, found.reason) == ("warn", "accept", "the law changed")
        [entry] = [one for one in audit.entries(c) if one.action == "accept"]
        assert (entry.actor, entry.subject, entry.reason) == ("ada", "dataset_version:loans@2", "the law changed")
    for number, share, want in ((3, 0.8, "pass"), (4, 0.8, "pass"), (5, 0.5, "block")):
        more = projects.rows(300, seed=number, first=300_000 * number, approved=share)
        more.write_csv(file.parent / "inbox" / f"{number}.csv")
        assert verdict(turn(place, file)) == want


def test_a_decision_beside_the_run_is_what_the_next_run_goes_on_with(tmp_path: Path) -> None:
    place, file = shifted(tmp_path)
    assert turn(place, file).run.state == "stopped"
    me = verdicts.Person("ada", "it is so")
    with place.store.begin() as c:
        verdicts.accept(c, place.clock, "loans", 2, me)
    done = turn(place, file)
    assert (done.run.state, verdict(done), (done.step("collect").facts or {})["rows"]) == ("done", "warn", 900)
    with place.store.begin() as c:
        bad = datasets.batches(c, "loans")[1].id
        verdicts.quarantine(c, place.clock, "loans", bad, me)
    assert (turn(place, file).step("collect").facts or {})["rows"] == 600


def test_a_remedy_for_nothing_changes_nothing(tmp_path: Path) -> None:
    file = projects.write(tmp_path / "project")
    place = open_place(settings.load(file.parent, environ={}))
    for word in ("accept", "quarantine"):
        done = turn(place, file, remedy=word, reason="to be sure")
        assert (done.run.state, (done.step("validate").facts or {})["remedy"]) == ("done", None)
    with place.store.read() as c:
        assert [one.state for one in datasets.batches(c, "loans")] == ["accepted"]
        assert {one.action for one in audit.entries(c)} & {"accept", "quarantine"} == set()


@pytest.mark.parametrize(
    ("remedy", "reason", "match"),
    [("quarantine", None, "needs a reason"), ("accept", " ", "needs a reason"), (None, "so", "reason of what"),
     ("pray", None, "Remedies are resample")],
)  # fmt: skip
def test_what_is_not_said_in_full_is_refused(tmp_path: Path, remedy: str, reason: str, match: str) -> None:
    file = projects.write(tmp_path / "project")
    with pytest.raises(UserError, match=match):
        turn(open_place(settings.load(file.parent, environ={})), file, remedy=remedy, reason=reason)


def test_a_single_step_that_is_blocked_leaves_the_batch_out_and_the_run_is_done_again_from_collect(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    place, file = shifted(tmp_path)
    monkeypatch.chdir(file.parent)
    projects.change(file, '"inbox/*.csv"', f'"{file.parent}/inbox/*.csv"')  # the code is run from elsewhere
    code = load(file)
    plan = compile_file(place, file, code)
    with place.store.begin() as c:
        run = runs.start(c, place.clock, plan, key="k", trigger="orchestrator", remedy="quarantine")
    steps = [main(["step", run.id, word]) for word in ("collect", "validate", "collect", "validate")]
    assert steps == [0, 3, 0, 0]
    said = capsys.readouterr().err
    assert "Nothing new is left: the run goes on with loans@1" in said
    assert "Do the run again from collect." in said
