"""A few words about many things of one kind at once: how they stand, since when, and what else is on record."""

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Select, select

from noria.store.tables import alias, audit, batch, learned, model_version, output, release, run, step_run, version

AT_ONCE = 200  # things in one query: databases bound the number of parameters


@dataclass(frozen=True, slots=True)
class Glimpse:
    """``state`` is the word for how it stands, in the vocabulary of its kind; ``report`` the digest of an HTML artifact
    that shows it."""

    state: str | None = None
    at: datetime | str | None = None
    facts: Mapping[str, Any] = field(default_factory=dict)
    report: str | None = None


Found = dict[str, Glimpse]


def of(connection: Connection, kind: str, ids: Collection[str]) -> Found:
    """What is on record of things of one kind, by id; nothing of those that are on no record."""
    look = KINDS.get(kind)
    return {} if look is None else look(connection, ids)


def _models(connection: Connection, ids: Collection[str]) -> Found:
    names = _called(connection, ids)
    query = select(
        model_version.c.model, model_version.c.number, model_version.c.format, model_version.c.metrics,
        model_version.c.params, model_version.c.run_id, model_version.c.created_at,
    )  # fmt: skip
    rows = list(_numbered(connection, query, model_version.c.model, model_version.c.number, ids))
    cards = _reports(connection, {row.run_id for row in rows}, "release", "card.html")
    found = {}
    for row in rows:
        id = f"{row.model}@{row.number}"
        facts = {"format": row.format, "metrics": row.metrics, "parameters": row.params}
        found[id] = Glimpse(", ".join(names.get(id, ())) or None, row.created_at, facts, cards.get(row.run_id))
    return found


def _called(connection: Connection, ids: Collection[str]) -> dict[str, list[str]]:
    """The aliases of each version, and that it learned from what was erased since."""
    found: dict[str, list[str]] = {}
    models = {id.rpartition("@")[0] for id in ids}
    for row in connection.execute(select(alias).where(alias.c.model.in_(models)).order_by(alias.c.name)):
        found.setdefault(f"{row.model}@{row.number}", []).append(row.name)
    for row in connection.execute(
        select(learned.c.model, learned.c.number).where(learned.c.model.in_(models)).distinct()
    ):
        found.setdefault(f"{row.model}@{row.number}", []).append("learned from erased rows")
    return found


def _versions(connection: Connection, ids: Collection[str]) -> Found:
    query = select(
        version.c.dataset, version.c.number, version.c.rows, version.c.verdict, version.c.remedy, version.c.run_id,
        version.c.created_at,
    )  # fmt: skip
    rows = list(_numbered(connection, query, version.c.dataset, version.c.number, ids))
    reports = _reports(connection, {row.run_id for row in rows if row.run_id}, "validate", "report.html")
    return {
        f"{row.dataset}@{row.number}": Glimpse(
            row.verdict, row.created_at, _said(rows=row.rows, remedy=row.remedy), reports.get(row.run_id)
        )
        for row in rows
    }


def _batches(connection: Connection, ids: Collection[str]) -> Found:
    found = {}
    for some in _some([id.rpartition("/")[2] for id in ids]):
        for row in connection.execute(select(batch).where(batch.c.id.in_(some))):
            facts = _said(rows=row.rows, origin=row.origin, source=row.source.get("name"), reason=row.reason)
            found[f"{row.dataset}/{row.id}"] = Glimpse(row.state, row.arrived_at, facts)
    return {id: found[id] for id in ids if id in found}


def _releases(connection: Connection, ids: Collection[str]) -> Found:
    rows = [row for some in _some(ids) for row in connection.execute(select(release).where(release.c.id.in_(some)))]
    cards = _reports(connection, {row.run_id for row in rows}, "release", "card.html")
    return {
        row.id: Glimpse(
            row.decision, row.at,
            {"decided by": row.decided_by, "reason": row.reason, "gates": _gates(row.verdicts)}, cards.get(row.run_id),
        )
        for row in rows
    }  # fmt: skip


def _gates(verdicts: Any) -> dict[str, str]:
    return {str(one["gate"]): str(one["verdict"]) for one in verdicts or () if "gate" in one}


def _runs(connection: Connection, ids: Collection[str]) -> Found:
    columns = (run.c.id, run.c.state, run.c.trigger, run.c.remedy, run.c.message, run.c.started_at)
    rows = [row for some in _some(ids) for row in connection.execute(select(*columns).where(run.c.id.in_(some)))]
    reports = _reports(connection, {row.id for row in rows}, "analyze", "report.html")
    return {
        row.id: Glimpse(
            row.state, row.started_at, _said(trigger=row.trigger, remedy=row.remedy, message=row.message),
            reports.get(row.id),
        )
        for row in rows
    }  # fmt: skip


def _steps(connection: Connection, ids: Collection[str]) -> Found:
    runs = {id.partition("/")[0] for id in ids}
    columns = (step_run.c.run_id, step_run.c.step, step_run.c.state, step_run.c.started_at, step_run.c.message)
    query = select(*columns).where(step_run.c.run_id.in_(runs)).order_by(step_run.c.shard.desc())
    found = {
        f"{row.run_id}/{row.step}": Glimpse(row.state, row.started_at, _said(message=row.message))
        for row in connection.execute(query)
    }
    return {id: found[id] for id in ids if id in found}


def _artifacts(connection: Connection, ids: Collection[str]) -> Found:
    found = {}
    for some in _some(ids):
        query = select(output.c.digest, output.c.name, output.c.media, output.c.bytes).where(output.c.digest.in_(some))
        for row in connection.execute(query):
            shows = row.digest if row.media == "text/html" else None
            found[row.digest] = Glimpse(None, None, {"name": row.name, "bytes": row.bytes}, shows)
    return found


def _entries(connection: Connection, ids: Collection[str]) -> Found:
    numbers = [int(id) for id in ids if id.isdecimal()]
    rows = connection.execute(select(audit).where(audit.c.number.in_(numbers)))
    return {
        str(row.number): Glimpse(row.action, row.at, _said(actor=row.actor, reason=row.reason)) for row in rows
    }  # fmt: skip


def _numbered(
    connection: Connection, query: Select[Any], name: Any, number: Any, ids: Collection[str]
) -> Iterator[Any]:
    """Rows of things called ``NAME@NUMBER``."""
    by_name: dict[str, list[int]] = {}
    for id in ids:
        called, _, which = id.rpartition("@")
        if which.isdecimal():
            by_name.setdefault(called, []).append(int(which))
    for called, numbers in by_name.items():
        for some in _some(numbers):
            yield from connection.execute(query.where(name == called, number.in_(some)))


def _reports(connection: Connection, runs: Collection[str], step: str, name: str) -> dict[str, str]:
    """The digest of a page that a step of these runs left, by run."""
    found = {}
    for some in _some(sorted(runs)):
        joined = select(step_run.c.run_id, output.c.digest).join(output, output.c.step_run_id == step_run.c.id)
        query = joined.where(step_run.c.run_id.in_(some), step_run.c.step == step, output.c.name == name)
        found.update({row.run_id: row.digest for row in connection.execute(query)})
    return found


def _some(ids: Collection[Any]) -> Iterator[list[Any]]:
    ordered = list(ids)
    for begin in range(0, len(ordered), AT_ONCE):
        yield ordered[begin : begin + AT_ONCE]


def _said(**facts: Any) -> dict[str, Any]:
    return {name: value for name, value in facts.items() if value is not None}


KINDS: Mapping[str, Callable[[Connection, Collection[str]], Found]] = {
    "model_version": _models,
    "dataset_version": _versions,
    "batch": _batches,
    "release": _releases,
    "run": _runs,
    "step": _steps,
    "artifact": _artifacts,
    "audit": _entries,
}
