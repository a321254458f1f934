"""A person decides about a candidate that waits: it becomes the next version, or it does not.

The decision is a release of its own beside the one that waits, so that nothing on record is overwritten; and a new
attempt at the run's release step, so that whatever comes after it finds its inputs as if the gates had decided.
"""

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from sqlalchemy import Connection

from noria import owner
from noria.clock import Clock
from noria.digest import Digest, canonical
from noria.errors import NotFound, UserError
from noria.release import card
from noria.release.register import register
from noria.store import audit, lineage, registry, runs
from noria.store.artifacts import ArtifactStore
from noria.store.attempt import Output, Result
from noria.store.verdicts import Person

WAITING, RELEASED, REFUSED = "waiting", "released", "refused"


def waiting(connection: Connection, model: str) -> registry.Release | None:
    """The model's newest release, if it waits for a person: a later one takes its place."""
    found = registry.releases(connection, model)
    return found[-1] if found and found[-1].decision == WAITING else None


def approve(
    connection: Connection, artifacts: ArtifactStore, clock: Clock, id: str, person: Person
) -> registry.ModelVersion:
    """Make the candidate of a waiting release the model's next version, with alias, audit entry and lineage.

    Raises
    ------
    NotFound
        If there is no such release.
    UserError
        If it does not wait, is a version already, or was compared with another than the champion there is.
    """
    asked = _asked(connection, id)
    _must_be_current(connection, asked)
    number = registry.next_number(connection, asked.model)
    made, record = _decide(connection, artifacts, clock, asked, RELEASED, number, person)
    _must_be_new(connection, asked, record["package"])
    return register(connection, clock, record, run_id=made.run_id, actor=person.name)


def refuse(connection: Connection, artifacts: ArtifactStore, clock: Clock, id: str, person: Person) -> registry.Release:
    """Put on record that the candidate of a waiting release does not become a version.

    Raises
    ------
    NotFound
        If there is no such release.
    UserError
        If it does not wait.
    """
    made, _ = _decide(connection, artifacts, clock, _asked(connection, id), REFUSED, None, person)
    return made


def _asked(connection: Connection, id: str) -> registry.Release:
    asked = registry.get_release(connection, id)
    if asked.decision != WAITING:
        raise UserError(f"release {id} was {asked.decision} by {asked.decided_by}", where=asked.model, do=_LIST)
    try:
        decided = registry.get_release(connection, _decision_id(id))
    except NotFound:
        return asked
    raise UserError(
        f"release {id} was {decided.decision} by {decided.decided_by} on {decided.at:%Y-%m-%d}: {decided.reason}",
        where=asked.model,
        do=_LIST,
    )


def _must_be_current(connection: Connection, asked: registry.Release) -> None:
    """A verdict against a champion that is gone says nothing about the one there is."""
    judged = (runs.step(connection, asked.run_id, "release").facts or {}).get("champion")
    champion = registry.aliases(connection, asked.model).get(registry.CHAMPION)
    if judged != champion:
        then = f"version {judged}" if judged else "none"
        raise UserError(
            f"the champion is version {champion}, and the gates compared the candidate with {then}",
            where=f"release {asked.id}",
            do="Run the lifecycle again, then approve what it comes to.",
        )


def _must_be_new(connection: Connection, asked: registry.Release, package: str) -> None:
    for one in registry.versions(connection, asked.model):
        if one.package == package:
            raise UserError(
                f"the candidate is {one.model}@{one.number} already",
                where=f"release {asked.id}",
                do=f"To give it traffic: noria model promote {one.model}@{one.number}.",
            )


def _decide(
    connection: Connection,
    artifacts: ArtifactStore,
    clock: Clock,
    asked: registry.Release,
    word: str,
    number: int | None,
    person: Person,
) -> tuple[registry.Release, Mapping[str, Any]]:
    record = json.loads(artifacts.get(Digest(asked.record)))
    record |= {"decision": word, "number": number, "reason": person.reason, "decided_by": person.name}
    record |= {"release": _decision_id(asked.id), "asked": asked.id}
    outputs = {
        name: Output(artifacts.put(data), media, len(data))
        for name, data, media in (
            ("release.json", canonical(record), "application/json"),
            ("card.html", card.card(record), "text/html"),
        )
    }
    made = replace(
        asked,
        id=record["release"],
        number=number,
        decision=word,
        record=outputs["release.json"].digest.hex,
        decided_by=person.name,
        reason=person.reason,
        at=clock.now(),
    )
    registry.add_release(connection, made)
    _finish_step(connection, clock, made, outputs)
    _trace(connection, asked, made, record, outputs)
    audit.record(
        connection,
        clock,
        actor=person.name,
        action=word,
        subject=f"model:{made.model}",
        before={"release": asked.id, "decision": WAITING},
        after={"release": made.id, "number": number},
        reason=person.reason,
    )
    return made, record


def _finish_step(connection: Connection, clock: Clock, made: registry.Release, outputs: Mapping[str, Output]) -> None:
    """The release step ends as if the gates had decided so; its fingerprint stays: another run reuses it."""
    row = runs.step(connection, made.run_id, "release")
    attempt = runs.claim(connection, clock, row.id, owner=owner.me())
    facts = {**(row.facts or {}), "decision": made.decision, "number": made.number, "release": made.id}
    said = f"{made.decision} by {made.decided_by}: {made.reason}"
    done = made.decision == RELEASED
    runs.mark(connection, row.id, why=[*(row.why or ()), said])
    runs.finish(
        connection,
        clock,
        row.id,
        attempt,
        "done" if done else "blocked",
        Result(facts, outputs),
        message=None if done else f"The candidate was {said}.",
    )


def _trace(
    connection: Connection,
    asked: registry.Release,
    made: registry.Release,
    record: Mapping[str, Any],
    outputs: Mapping[str, Output],
) -> None:
    lineage.link(connection, f"release:{made.id}", f"release:{asked.id}", "decides")
    lineage.link(connection, f"release:{made.id}", f"run:{made.run_id}", "decided in")
    lineage.link(connection, f"release:{made.id}", f"artifact:{record['package']}", "about")
    for name, output in outputs.items():
        lineage.link(connection, f"artifact:{output.digest.hex}", f"step:{made.run_id}/release", name)


def decided(connection: Connection, model: str, asked: str, package: str) -> registry.Release | None:
    """What a person has said about a waiting release, or what made its very candidate a version; None: nothing yet."""
    try:
        return registry.get_release(connection, _decision_id(asked))
    except NotFound:
        made = [one.release_id for one in registry.versions(connection, model) if one.package == package]
        return registry.get_release(connection, made[-1]) if made else None


def _decision_id(asked: str) -> str:
    """The id of the decision about a waiting release: there can be one."""
    return Digest.of_json([asked, "decided"]).hex[:16]


_LIST = "See 'noria model list' for what waits."
