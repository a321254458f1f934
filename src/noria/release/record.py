"""The release record: all that is known of why a version is what it is, as plain data and as one page without noria."""

import io
import json
import zipfile
from collections.abc import Iterator
from html import escape
from typing import Any

from sqlalchemy import Connection

from noria.digest import Digest
from noria.errors import NotFound
from noria.model.environment import packages_of
from noria.release import card, history
from noria.report import page
from noria.store import audit, datasets, registry, runs
from noria.store.artifacts import ArtifactStore

FORMAT = 1


def read(artifacts: ArtifactStore, release: registry.Release) -> dict[str, Any]:
    """What the release step, or the person who decided, put on record."""
    found: dict[str, Any] = json.loads(artifacts.get(Digest(release.record)))
    return found


def whole(connection: Connection, artifacts: ArtifactStore, version: registry.ModelVersion) -> dict[str, Any]:
    """The record of a version with what it refers to: batches, processed data, code, candidates that lost, decisions.

    Everything is plain data: times as ISO 8601, digests as SHA-256 in hexadecimal.
    """
    release = registry.get_release(connection, version.release_id)
    record = read(artifacts, release)
    spans = [one for one in history.history(connection, version.model) if one.number == version.number]
    return {
        "record_format": FORMAT,
        **record,
        "at": release.at.isoformat(),
        "batches": list(_batches(connection, version)),
        "processed": processed(connection, version),
        "code": _code(artifacts, record["bundle"]),
        "candidates": list(_others(connection, artifacts, release)),
        "aliases": [
            {"alias": one.alias, "since": one.since.isoformat(), "until": one.until and one.until.isoformat(),
             "actor": one.actor, "reason": one.reason} for one in spans
        ],
        "decisions": list(_decisions(connection, version)),
    }  # fmt: skip


def processed(connection: Connection, version: registry.ModelVersion) -> dict[str, str]:
    """The processed data that a version learned from: digests by name; none if it was imported."""
    try:
        step = runs.step(connection, version.run_id, "preprocess")
    except NotFound:
        return {}
    return {name: one.digest.hex for name, one in runs.result(connection, step.id).outputs.items()}


def html(found: dict[str, Any]) -> bytes:
    """The record as one self-contained page: the card, and under it what the card has no room for."""
    return page.page(card.title(found), card.lead(found), [*card.sections(found), *_sections(found)])


def _batches(connection: Connection, version: registry.ModelVersion) -> Iterator[dict[str, Any]]:
    if not version.dataset:
        return
    ids = datasets.get_version(connection, version.dataset, version.dataset_version).batches
    for one in datasets.batches(connection, version.dataset):
        if one.id in ids:
            yield {"batch": one.id, "source": str(one.source.get("name", one.origin)), "rows": one.rows,
                   "digest": one.digest, "arrived_at": one.arrived_at.isoformat()}  # fmt: skip


def _code(artifacts: ArtifactStore, bundle: str) -> dict[str, str]:
    """The user's files as they were; none if they are gone."""
    if not bundle or not artifacts.has(Digest(bundle)):
        return {}
    with zipfile.ZipFile(io.BytesIO(artifacts.get(Digest(bundle)))) as archive:
        return {name: archive.read(name).decode(errors="replace") for name in archive.namelist()}


def _others(connection: Connection, artifacts: ArtifactStore, release: registry.Release) -> Iterator[dict[str, Any]]:
    """Candidates that were judged since the version before this one and lost, oldest first."""
    lost: list[registry.Release] = []
    for one in registry.releases(connection, release.model):
        if one.id == release.id:
            break
        lost = [] if one.decision == "released" else [*lost, one]
    for one in lost:
        if one.decision == "refused":
            record = read(artifacts, one)
            yield {"release": one.id, "run": one.run_id, "at": one.at.isoformat(), "decided_by": one.decided_by,
                   "reason": one.reason, "params": record["params"], "verdicts": record["verdicts"],
                   "metrics": (record["analysis"] or {}).get("metrics", {})}  # fmt: skip


def _decisions(connection: Connection, version: registry.ModelVersion) -> Iterator[dict[str, Any]]:
    """The entries of the audit log about this version, with their place in its chain."""
    for one in audit.entries(connection):
        after = one.after
        number = after.get("number") if isinstance(after, dict) else after
        if one.subject == f"model:{version.model}" and version.number in (number, one.before):
            yield {"number": one.number, "at": one.at, "actor": one.actor, "action": one.action,
                   "reason": one.reason, "hash": one.hash}  # fmt: skip


def _sections(found: dict[str, Any]) -> Iterator[page.Section]:
    batches = [(one["batch"], one["source"], one["rows"], _day(one["arrived_at"])) for one in found["batches"]]
    yield page.Section("Data", page.table(["batch", "source", "rows", "arrived"], batches))
    yield page.Section("Processed data", page.table(["", "digest"], list(found["processed"].items())))
    lost = [(one["run"], one["reason"], one["params"], one["metrics"]) for one in found["candidates"]]
    yield page.Section("Candidates that lost", page.table(["run", "refused because", "parameters", "metrics"], lost))
    decided = [
        (_day(one["at"]), one["actor"], one["action"], one["reason"], one["hash"][:12]) for one in found["decisions"]
    ]
    yield page.Section("Decisions", page.table(["at", "by", "what", "because", "audit"], decided))
    digests = {name: found[name] for name in ("release", "run", "package", "bundle")}
    yield page.Section("Digests", page.facts(digests))
    for name, text in found["code"].items():
        yield page.Section(f"Code: {name}", f'<div class="wide"><pre>{escape(text)}</pre></div>')
    yield page.Section("Packages", page.facts(packages_of(found["environment"])))


def _day(time: str) -> str:
    """A time in UTC, to the second."""
    return time[:19].replace("T", " ")
