"""A model that was made elsewhere becomes a version, with a release that says who took it in and why."""

from typing import Any

from sqlalchemy import Connection

from noria import owner
from noria.clock import Clock
from noria.digest import canonical
from noria.errors import UserError
from noria.model.environment import environment
from noria.model.package import Package
from noria.plan import Plan, Step
from noria.release import card
from noria.release.register import register
from noria.store import audit, lineage, registry, runs
from noria.store.artifacts import ArtifactStore
from noria.store.attempt import Output, Result
from noria.store.verdicts import Person

STEP = "import"
RELEASED = "released"


def take_in(
    connection: Connection,
    artifacts: ArtifactStore,
    clock: Clock,
    model: str,
    packed: Package,
    origin: str,
    person: Person,
) -> registry.ModelVersion:
    """Register a package as the model's next version, as a run of one step; audited.

    Parameters
    ----------
    origin
        What it was and where it lay, for people.

    Raises
    ------
    UserError
        If the very same package is a version of the model already.
    """
    digest = artifacts.put(packed.to_bytes())
    for one in registry.versions(connection, model):
        if one.package == digest.hex:
            raise UserError(
                f"it is {model}@{one.number} already",
                where="registry",
                do="See 'noria model list'.",
            )
    plan = Plan(model, (Step(STEP),), bundle="", entry="")
    run = runs.start(connection, clock, plan, key=digest.hex, trigger=STEP, remedy=None)
    number = registry.next_number(connection, model)
    record = _record(packed, run.id, number, origin, person) | {"model": model, "package": digest.hex}
    outputs = {
        name: Output(artifacts.put(data), media, len(data))
        for name, data, media in (
            ("release.json", canonical(record), "application/json"),
            ("card.html", card.card(record), "text/html"),
        )
    }
    _release(connection, clock, record, outputs["release.json"].digest.hex)
    _finish(connection, clock, run, record, outputs)
    lineage.link(connection, f"run:{run.id}", f"source:{origin}"[:160], "imported from")
    audit.record(
        connection,
        clock,
        actor=person.name,
        action=STEP,
        subject=f"model:{model}",
        after={"release": record["release"], "number": number, "package": digest.hex, "from": origin},
        reason=person.reason,
    )
    return register(connection, clock, record, run_id=run.id, actor=person.name)


def _record(packed: Package, run: str, number: int, origin: str, person: Person) -> dict[str, Any]:
    """What is known of a model that others made: little, and that is said."""
    return {
        "release": f"{run}-import"[-32:],
        "number": number,
        "decision": RELEASED,
        "reason": f"imported by {person.name} because {person.reason}",
        "decided_by": person.name,
        "imported": origin,
        "verdicts": [],
        "run": run,
        "dataset": "",
        "dataset_version": 0,
        "rows": {},
        "remedy": None,
        "format": packed.kind,
        "onnx": {"accepted": packed.kind == "onnx", "reason": "imported"},
        "estimator": "not known",
        "params": dict(packed.params),
        "metric": "",
        "trials": [],
        "seed": None,
        "bundle": "",
        "environment": environment(),
        "analysis": None,
    }


def _release(connection: Connection, clock: Clock, record: dict[str, Any], kept: str) -> None:
    made = registry.Release(
        id=record["release"],
        model=record["model"],
        number=record["number"],
        run_id=record["run"],
        decision=RELEASED,
        record=kept,
        verdicts=[],
        decided_by=record["decided_by"],
        reason=record["reason"],
        at=clock.now(),
    )
    registry.add_release(connection, made)
    lineage.link(connection, f"release:{made.id}", f"run:{made.run_id}", "decided in")
    lineage.link(connection, f"release:{made.id}", f"artifact:{record['package']}", "about")


def _finish(
    connection: Connection, clock: Clock, run: runs.Run, record: dict[str, Any], outputs: dict[str, Output]
) -> None:
    row = runs.step(connection, run.id, STEP)
    attempt = runs.claim(connection, clock, row.id, owner=owner.me())
    facts = {"model": record["model"], "number": record["number"], "release": record["release"]}
    runs.finish(connection, clock, row.id, attempt, "done", Result(facts, outputs))
    runs.end(connection, clock, run.id, "done")
    for name, output in outputs.items():
        lineage.link(connection, f"artifact:{output.digest.hex}", f"step:{run.id}/{STEP}", name)
