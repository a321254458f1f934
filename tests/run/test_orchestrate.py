"""Runs that an orchestrator opens: once each, for what nobody has taken; closed as what they came to."""

import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

import projects
from noria import settings
from noria.airflow.exported import run_id
from noria.errors import Busy, Failure, NothingToDo, Stopped, UserError
from noria.plan import FORMAT, Plan
from noria.release import approve
from noria.run import orchestrate
from noria.run.execute import Order, execute
from noria.run.local import compile_file, load, turn
from noria.run.orchestrate import Asked
from noria.run.place import Place, open_place
from noria.run.worker import code_of
from noria.store import audit, orchestrated, registry, runs

EVENT = "asset_triggered"


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.system)])
def place(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Place]:
    """A project whose lifecycle was exported, on each engine."""
    file = projects.write(tmp_path / "p")
    environ = {"NORIA_ACTOR": "tester", "NORIA_PROJECT": str(file.parent)}
    if request.param == "postgresql":
        environ["NORIA_DB"] = request.getfixturevalue("postgres_url")
    opened = open_place(settings.load(file.parent, environ=environ))
    yield opened
    opened.store.close()


def exported(place: Place) -> str:
    """The digest of the project's plan, as the export leaves it."""
    assert place.settings.project is not None
    file = place.settings.project / "lifecycle.py"
    return place.artifacts.put(compile_file(place, file, load(file)).to_json().encode()).hex


def begin(place: Place, digest: str, run: str, because: str = EVENT, **more: str) -> runs.Run:
    return orchestrate.begin(
        place, digest, Asked("loans", run, because, **more), lambda name: run_id(name, "loans", run)
    )


def do(place: Place, run: runs.Run, *words: str) -> None:
    """Steps, as tasks do them: each with the code of the bundle."""
    for word in words or [step.name for step in run.plan.in_order()]:
        execute(place, code_of(place, run.plan), Order(run, word))


def test_a_run_begins_once_however_often_its_task_runs_and_both_know_each_other(place: Place) -> None:
    digest = exported(place)
    first, again = begin(place, digest, "a"), begin(place, digest, "a")
    assert first == again
    assert first.id == run_id("loans", "loans", "a")
    assert len(first.id) == 32
    with place.store.read() as c:
        found = orchestrated.of_run(c, first.id)
        assert found is not None
        assert (found.dag_id, found.dag_run, found.because, found.plan) == ("loans", "a", EVENT, digest)


def test_an_event_that_comes_twice_turns_the_wheel_once_and_a_lost_one_is_seen(place: Place) -> None:
    digest = exported(place)
    assert "no run has taken" in orchestrate.sweep(place, digest)
    first = begin(place, digest, "a")
    with pytest.raises(NothingToDo, match=f"run {first.id} has taken what there is to do"):
        begin(place, digest, "b")
    with pytest.raises(NothingToDo, match=f"run {first.id} has taken all there is"):
        orchestrate.sweep(place, digest)
    do(place, first)
    assert orchestrate.end(place, first.id).state == "done"
    projects.arrive(place.settings.project, "2")  # type: ignore[arg-type]
    assert "no run has taken" in orchestrate.sweep(place, digest)
    assert begin(place, digest, "c").number == 2


def test_what_arrives_after_a_run_began_and_is_collected_by_it_is_its_own(place: Place) -> None:
    digest = exported(place)
    first = begin(place, digest, "a")
    projects.arrive(place.settings.project, "2")  # type: ignore[arg-type]
    do(place, first, "collect")
    with pytest.raises(NothingToDo):
        begin(place, digest, "b")


def test_of_two_schedulers_that_begin_at_the_same_moment_one_gets_it(place: Place) -> None:
    digest, ended, errors = exported(place), [], []
    code_of(place, orchestrate.plan_of(place, digest))  # unpacked beforehand: importing is not what is raced
    barrier = threading.Barrier(2)

    def scheduler(run: str) -> None:
        with place.store.begin() as c:  # a connection of its own is there
            runs.newest(c, "loans")
        barrier.wait()
        try:
            ended.append(claim(place, digest, run))
        except NothingToDo as error:
            errors.append(error)

    threads = [threading.Thread(target=scheduler, args=(run,)) for run in "ab"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (len(ended), len(errors)) == (1, 1)
    with place.store.read() as c:
        assert len(runs.newest(c, "loans", 9)) == 1


def claim(place: Place, digest: str, run: str) -> runs.Run:
    """``begin`` without loading the user's code in two threads of one process."""
    plan = orchestrate.plan_of(place, digest)
    asked = Asked("loans", run, EVENT)
    return orchestrate.open_run(place, plan, digest, "k" * 64, asked, run_id("loans", "loans", run))


def test_by_hand_and_by_time_the_wheel_turns_all_the_same(place: Place) -> None:
    digest = exported(place)
    first = begin(place, digest, "a")
    do(place, first)
    orchestrate.end(place, first.id)
    second = begin(place, digest, "b", "scheduled")
    do(place, second)
    assert orchestrate.end(place, second.id).state == "done"
    with place.store.read() as c:
        assert {step.state for step in runs.steps(c, second.id)} == {"reused"}


def test_a_run_that_airflow_clears_goes_on_and_ends_as_what_it_comes_to_then(place: Place) -> None:
    digest = exported(place)
    run = begin(place, digest, "a")
    do(place, run, "collect", "validate")
    with pytest.raises(UserError, match="preprocess: it is waiting"):
        orchestrate.end(place, run.id)
    with place.store.read() as c:
        assert runs.get(c, run.id).state == "failed"
    assert begin(place, digest, "a").state == "running"
    do(place, run)
    assert orchestrate.end(place, run.id).state == "done"
    assert orchestrate.end(place, run.id).state == "done"  # cleared once more


def test_a_run_that_was_deleted_in_airflow_makes_way_for_the_next_and_says_so(place: Place) -> None:
    digest = exported(place)
    first = begin(place, digest, "a")
    do(place, first, "collect")
    projects.arrive(place.settings.project, "2")  # type: ignore[arg-type]
    second = begin(place, digest, "b")
    assert second.state == "running"
    with place.store.read() as c:
        gone = runs.get(c, first.id)
    assert (gone.state, gone.message) == ("failed", "Airflow's a is gone, and another run began")
    do(place, second, "collect", "validate")
    assert begin(place, digest, "a").id == first.id  # its own Airflow run came back: it was not gone


def test_a_gate_that_does_not_hold_ends_it_as_stopped_with_the_verdict(place: Place) -> None:
    assert place.settings.project is not None
    projects.change(place.settings.project / "lifecycle.py", 'at_least("roc_auc", 0.6)', 'at_least("roc_auc", 0.999)')
    run = begin(place, exported(place), "a")
    do(place, run, *[step.name for step in run.plan.in_order()][:7])
    with pytest.raises(Stopped, match=r"roc_auc.*0\.999"):
        orchestrate.end(place, run.id)
    with place.store.read() as c:
        assert runs.get(c, run.id).state == "stopped"


@pytest.mark.parametrize(("approved", "state", "numbers"), [(True, "done", [1]), (False, "rejected", [])])
def test_a_persons_answer_is_on_record_once_with_who_and_why(
    place: Place, approved: bool, state: str, numbers: list[int]
) -> None:
    assert place.settings.project is not None
    projects.change(place.settings.project / "lifecycle.py", "0.6)]", '0.6)], approval="person"')
    run = begin(place, exported(place), "a")
    do(place, run, *[step.name for step in run.plan.in_order()][:7])
    with pytest.raises(Failure, match="nobody has decided"):
        orchestrate.decide(place, run.id, None)
    answer = {"approved": approved, "who": "ann", "why": "seen and weighed"}
    for _ in range(2):  # the task may run again
        if approved:
            assert orchestrate.decide(place, run.id, answer) == "loans@1 is released"
        else:
            with pytest.raises(Stopped, match="refused by ann: seen and weighed"):
                orchestrate.decide(place, run.id, answer)
    if approved:
        do(place, run)
    assert orchestrate.end(place, run.id).state == state
    with place.store.read() as c:
        assert [one.number for one in registry.versions(c, "loans")] == numbers
        said = [one for one in audit.entries(c) if one.actor == "ann"]
        assert {one.reason for one in said} == {"seen and weighed"}
        assert said[0].action == (approve.RELEASED if approved else approve.REFUSED)


def test_a_local_turn_does_not_take_a_run_that_waits_between_two_tasks(place: Place) -> None:
    assert place.settings.project is not None
    run = begin(place, exported(place), "a")
    with pytest.raises(Busy, match=f"is being turned by Airflow, loans a .run {run.id}."):
        turn(place, place.settings.project / "lifecycle.py")


def test_what_was_never_begun_is_not_closed(place: Place) -> None:
    with pytest.raises(NothingToDo, match="loans-abc was never begun"):
        orchestrate.end(place, "loans-abc")


def test_a_plan_of_a_newer_noria_or_of_another_store_says_so(place: Place) -> None:
    newer = replace(Plan("loans", (), "b", "lifecycle.py"), format=FORMAT + 1).to_json()
    digest = place.artifacts.put(newer.encode()).hex
    with pytest.raises(UserError, match=f"the plan has format {FORMAT + 1}.*Upgrade noria on this worker"):
        begin(place, digest, "a")
    with pytest.raises(UserError, match="there is no plan 000000000000 in the artifact store"):
        begin(place, "0" * 64, "a")


def test_a_remedy_in_the_runs_configuration_is_checked_and_on_record(place: Place) -> None:
    digest = exported(place)
    with pytest.raises(UserError, match="to accept data needs a reason"):
        begin(place, digest, "a", "manual", remedy="accept")
    run = begin(place, digest, "a", "manual", remedy="accept", reason="a campaign")
    assert run.remedy == "accept"
    with place.store.read() as c:
        assert [one.reason for one in audit.entries(c) if one.action == "remedy"] == ["a campaign"]
