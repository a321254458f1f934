"""Runs that an orchestrator turns: opened once for each of its runs, closed as what they came to, whatever happened.

What there is to turn is what the sources offer: its digest is claimed once in the store. Events that come twice, two
schedulers at once and a run that is started again find the claim and have nothing to do; an event that was lost leaves
none, and the sweep sees that.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection

from noria.collect import step as collect
from noria.digest import Digest
from noria.errors import Failure, NotFound, NothingToDo, Stopped, UserError
from noria.plan import Plan
from noria.release import approve as approval
from noria.run import announce
from noria.run.local import audit_remedy, check_remedy, key_of, must_not_be_alive
from noria.run.place import Code, Place
from noria.run.worker import code_of
from noria.store import orchestrated, registry, runs
from noria.store.orchestrated import Orchestrated
from noria.store.verdicts import Person

TRIGGER = "airflow"
ON_EVENT = "asset_triggered"  # the one reason for which a run with nothing to do is not begun
ENDED = ("done", "stopped", "rejected", "failed")


@dataclass(frozen=True, slots=True)
class Asked:
    """What the orchestrator says of its run: pipeline, run, why it was started, and what to do about blocked data."""

    dag_id: str
    dag_run: str
    because: str
    remedy: str | None = None
    reason: str | None = None


def plan_of(place: Place, digest: str) -> Plan:
    """An exported plan, from the artifact store.

    Raises
    ------
    UserError
        If it is not there, or of a newer format than this noria reads.
    """
    try:
        return Plan.from_json(place.artifacts.get(Digest(digest)).decode())
    except NotFound as error:
        raise UserError(
            f"there is no plan {digest[:12]} in the artifact store",
            where=place.settings.artifacts,
            do="See that the worker uses the store of the export, or export the lifecycle again.",
        ) from error
    except ValueError as error:
        raise UserError(str(error), where=f"plan {digest[:12]}", do="Upgrade noria on this worker.") from error


def begin(place: Place, digest: str, asked: Asked, id: Callable[[str], str]) -> runs.Run:
    """Open the run that a run of the orchestrator turns, or find it: doing it again changes nothing.

    Parameters
    ----------
    digest
        Of the plan, in the artifact store.
    id
        Gives the run's id from the lifecycle's name.

    Raises
    ------
    NothingToDo
        If an event started it, and another run has taken what there is to do.
    Busy
        If a process of this machine or another turns the wheel already.
    """
    plan = plan_of(place, digest)
    check_remedy(asked.remedy, asked.reason)
    return open_run(place, plan, digest, offered(place, code_of(place, plan), plan), asked, id(plan.lifecycle))


def open_run(place: Place, plan: Plan, digest: str, key: str, asked: Asked, id: str) -> runs.Run:
    """The same for a plan that is loaded: ``digest`` is its own, ``key`` that of what there is to turn."""
    with place.store.begin() as c:
        runs.alone(c, plan.lifecycle)
        found = _again(c, id)
        if found is not None:
            return found
        holder = orchestrated.claim(c, place.clock, plan.lifecycle, key, id)
        if holder != id and asked.because == ON_EVENT and asked.remedy is None:
            raise NothingToDo(
                f"run {holder} has taken what there is to do",
                where=f"{asked.dag_id}, {asked.dag_run}",
                do="Nothing is lost: start a run by hand to turn the wheel all the same.",
            )
        _others_are_done(place, c, plan.lifecycle)
        made = key_of(plan, asked.remedy)
        run = runs.start(c, place.clock, plan, key=made, trigger=TRIGGER, remedy=asked.remedy, id=id)
        orchestrated.record(c, Orchestrated(id, asked.dag_id, asked.dag_run, asked.because, digest, place.clock.now()))
        audit_remedy(c, place, run, asked.reason)
        return run


def offered(place: Place, code: Code, plan: Plan) -> str:
    """The digest of what the sources offer now: what a cycle is about."""
    step = plan.step("collect")
    return orchestrated.key_of(collect.observe(code.world(place, step), step))


def sweep(place: Place, digest: str) -> str:
    """See whether something arrived that no run has taken: a sentence.

    Raises
    ------
    NothingToDo
        If there is nothing, or a run is under way that will see it.
    """
    plan = plan_of(place, digest)
    key = offered(place, code_of(place, plan), plan)
    with place.store.read() as c:
        holder = orchestrated.taken(c, plan.lifecycle, key)
    if holder is not None:
        raise NothingToDo(f"run {holder} has taken all there is", where=plan.lifecycle, do="Nothing is to be done.")
    return f"something arrived for {plan.lifecycle} that no run has taken"


def end(place: Place, run_id: str) -> runs.Run:
    """Close a run as what its steps came to.

    Raises
    ------
    NothingToDo
        If it was never begun: its orchestrator had nothing to do.
    Stopped
        If a gate does not hold.
    UserError
        If a step failed or was never done: no other try at ending it will change that.
    """
    with place.store.begin() as c:
        try:
            run = runs.get(c, run_id)
        except NotFound as error:
            raise NothingToDo(f"run {run_id} was never begun", where="runs", do="Nothing is to be closed.") from error
        state, message = _came_to(c, run)
        if run.state == "running" or run.state in ENDED:
            runs.reopen(c, run_id, ENDED)  # an end that was written before a task was cleared is no end
            runs.end(c, place.clock, run_id, state, message)
        run = runs.get(c, run_id)
    announce.run_ended(place, run)
    if state == "stopped":
        raise Stopped(message or "a gate does not hold", where=f"run {run_id}", do="See its report.")
    if state == "failed":
        raise UserError(
            f"run {run_id} failed: {message}", where=run.lifecycle, do="Mend it, then clear the failed task."
        )
    return run


def decide(place: Place, run_id: str, answer: dict[str, Any] | None) -> str:
    """Put a person's answer about the run's candidate on record: a sentence. Saying the same again changes nothing.

    Parameters
    ----------
    answer
        ``approved``, ``who``, ``why``; None: nobody was asked, because it was decided already.

    Raises
    ------
    Stopped
        If the answer was no, now or before.
    """
    with place.store.begin() as c:
        run = runs.get(c, run_id)
        asked = _waiting(c, run)
        if asked is not None:
            if answer is None:
                raise Failure("nobody has decided", where=f"run {run_id}", do="Answer in Airflow, or clear 'approval'.")
            person = Person(answer.get("who") or "nobody in time", answer.get("why") or "decided in Airflow")
            how = approval.approve if answer.get("approved") else approval.refuse
            how(c, place.artifacts, place.clock, asked, person)
        row = runs.step(c, run_id, "release")
    facts = row.facts or {}
    if facts.get("decision") != "released":
        raise Stopped(row.message or "the candidate was refused", where=f"run {run_id}", do="The champion goes on.")
    return f"{facts.get('model')}@{facts.get('number')} is released"


def _again(c: Connection, id: str) -> runs.Run | None:
    """The run if it was begun before; one that had ended goes on: somebody cleared its tasks."""
    try:
        runs.get(c, id)
    except NotFound:
        return None
    runs.reopen(c, id, ENDED)
    return runs.get(c, id)


def _others_are_done(place: Place, c: Connection, lifecycle: str) -> None:
    """No other run of the lifecycle may be under way; one that was given up is closed."""
    for last in runs.newest(c, lifecycle):
        if last.state != "running":
            return
        must_not_be_alive(place, last, runs.steps(c, last.id))
        said = orchestrated.of_run(c, last.id)
        by = f"Airflow's {said.dag_run} is gone" if said else "it was interrupted"
        runs.end(c, place.clock, last.id, "failed", f"{by}, and another run began")


def _waiting(c: Connection, run: runs.Run) -> str | None:
    """The release of the run that waits for a person, if one does."""
    row = runs.step(c, run.id, "release")
    facts = row.facts or {}
    if row.state != "blocked" or facts.get("decision") != approval.WAITING:
        return None
    id: str = registry.get_release(c, facts["release"]).id
    return id


def _came_to(c: Connection, run: runs.Run) -> tuple[str, str | None]:
    for row in runs.steps(c, run.id):
        if row.state in runs.FINISHED:
            continue
        if row.state == "blocked":
            facts = row.facts or {}
            refused = row.step == "release" and facts.get("decision") == approval.REFUSED
            by_person = refused and _by_person(c, facts["release"])
            return "rejected" if by_person else "stopped", row.message
        return "failed", f"{row.step}: {row.message or f'it is {row.state}'}"
    return "done", None


def _by_person(c: Connection, release: str) -> bool:
    return registry.get_release(c, release).decided_by != "gates"


def read_answer(text: str) -> dict[str, Any] | None:
    """The answer as it comes from the orchestrator; ``UserError`` if it is none."""
    try:
        found = json.loads(text)
    except ValueError as error:
        raise UserError(f"{text!r} is no answer", where="--answer", do="Give JSON with approved, who, why.") from error
    if found is not None and not isinstance(found, dict):
        raise UserError(f"{text!r} is no answer", where="--answer", do="Give JSON with approved, who, why.")
    return found
