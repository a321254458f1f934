"""All that is on record of a model version, gathered for an auditor: plain data, from the stores."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from noria.data import captured
from noria.digest import Digest
from noria.errors import NotFound
from noria.feedback.look import Asked, look
from noria.governance import annex
from noria.model import package
from noria.release import history
from noria.release import record as records
from noria.run.place import Place
from noria.store import alerts, audit, datasets, erasures, holds, registry, routes, runs, tokens
from noria.store.registry import ModelVersion

FORMAT = 1


def gather(place: Place, version: ModelVersion) -> dict[str, Any]:
    """The dossier: times as ISO 8601, digests as SHA-256 in hexadecimal; what is not known is null or empty."""
    with place.store.read() as c:
        record = records.whole(c, place.artifacts, version)
        known = registry.versions(c, version.model)
        versions = [{"number": one.number, "at": one.created_at.isoformat()} for one in known]
        entries = list(_entries(c, version))
        problems = list(audit.problems(c))
        newest = audit.newest(c, 1)
        flagged = erasures.flagged(c).get((version.model, version.number), [])
        held = [one for one in holds.holds(c) if one.node in _nodes(version)]
        found: dict[str, Any] = {
            "dossier_format": FORMAT,
            "model": version.model,
            "number": version.number,
            "made_at": place.clock.now().isoformat(),
            "record": {**record, "run": version.run_id, "package": version.package},
            "versions": versions,
            "live": _live(c, version),
            "steps": list(_steps(c, version)),
            "alerts": [
                {"at": one.at.isoformat(), "severity": one.severity, "what": one.what, "where": one.where, "do": one.do}
                for one in alerts.newest(c, version.model, 200) if one.run_id == version.run_id
            ],
            "tokens": len(tokens.tokens(c)),
            "learned_from_erased": [{"erasure": one.id, "models": one.models, "reason": one.reason} for one in flagged],
            "holds": [
                {"what": one.node, "reason": one.reason, "by": one.actor, "since": one.at.isoformat()} for one in held
            ],
            "audit": {"entries": entries, "problems": problems, "checked": audit.count(c),
                      "newest": f"{newest[0].number}:{newest[0].hash}" if newest else None},
        }  # fmt: skip
    found["data"] = _data(place, version)
    found["inputs"] = _inputs(place, version)
    found["triggers"] = list(_triggers(place, version))
    found["performance"] = _performance(place, version)
    found["annex_iv"] = annex.plain(annex.draft(found))
    return found


def _nodes(version: ModelVersion) -> set[str]:
    return {f"model_version:{version.model}@{version.number}", f"release:{version.release_id}", f"run:{version.run_id}",
            f"dataset_version:{version.dataset}@{version.dataset_version}"}  # fmt: skip


def _entries(c: Any, version: ModelVersion) -> Iterator[dict[str, Any]]:
    """The decisions about the model, its data and its run, with their places in the chain."""
    about = {f"model:{version.model}", f"endpoint:{version.model}", f"dataset:{version.dataset}", *_nodes(version)}
    for one in audit.entries(c):
        if one.subject in about or one.subject.startswith(f"batch:{version.dataset}/"):
            yield {name: getattr(one, name) for name in audit.FIELDS}


def _live(c: Any, version: ModelVersion) -> dict[str, Any]:
    route = routes.newest(c, version.model)
    weight = route.weights.get(str(version.number), 0) if route else 0
    whole = sum(route.weights.values()) if route else 0
    return {
        "weight": weight / whole if whole else 0.0,
        "revision": route.revision if route else None,
        "aliases": [
            {"alias": one.alias, "since": one.since.isoformat(), "until": one.until and one.until.isoformat(),
             "by": one.actor, "reason": one.reason}
            for one in history.history(c, version.model) if one.number == version.number
        ],
    }  # fmt: skip


def _steps(c: Any, version: ModelVersion) -> Iterator[dict[str, Any]]:
    for one in runs.steps(c, version.run_id):
        took = (one.ended_at - one.started_at).total_seconds() if one.ended_at and one.started_at else None
        yield {"step": one.step, "state": one.state, "seconds": took, "memory_mb": one.peak_memory_mb}


def _data(place: Place, version: ModelVersion) -> dict[str, Any] | None:
    """The data sheet: what was learned from, where it came from, what validation found; None of an import."""
    if not version.dataset:
        return None
    with place.store.read() as c:
        one = datasets.get_version(c, version.dataset, version.dataset_version)
        ids, held = set(one.batches), datasets.batches(c, version.dataset)
        amended = erasures.amendments(c, version.dataset).get(one.number, [])
        schema = runs.get(c, version.run_id).plan.step("collect").config.get("schema") or {}
        left = runs.result(c, runs.step(c, version.run_id, "validate").id).outputs
    verdict = _json(place, left["verdict.json"].digest) if "verdict.json" in left else None
    return {
        "dataset": one.dataset,
        "version": one.number,
        "rows": one.rows,
        "digest": one.digest,
        "verdict": one.verdict,
        "remedy": one.remedy,
        "schema": schema,
        "anomalies": (verdict or {}).get("anomalies", []),
        "amended": [
            {"erasure": a.erasure, "at": a.at.isoformat(), "rows_before": a.rows_before, "rows_after": a.rows_after}
            for a in amended
        ],
        "batches": [
            {"batch": b.id, "source": str(b.source.get("name", b.origin)), "origin": b.origin, "rows": b.rows,
             "arrived_at": b.arrived_at.isoformat(), "digest": b.digest}
            for b in held if b.id in ids
        ],
    }  # fmt: skip


def _json(place: Place, digest: Digest) -> Any:
    try:
        return json.loads(place.artifacts.get(digest))
    except NotFound:  # erased: its verdict named rows
        return None


def _inputs(place: Place, version: ModelVersion) -> list[list[str]]:
    digest = Digest(version.package)
    signature = package.read(place.artifacts.path(digest), digest).signature
    return [[one.name, one.kind] for one in signature.inputs]


def _triggers(place: Place, version: ModelVersion) -> Iterator[str]:
    with place.store.read() as c:
        plan = runs.get(c, version.run_id).plan
    if "feedback" not in {step.name for step in plan.steps}:
        return
    config = plan.step("feedback").config
    if config.get("on_data", True):
        yield "new data arrive"
    rules = config.get("retrain") or ()
    for rule in rules if isinstance(rules, list | tuple) else [rules]:
        said = {name: value for name, value in rule.items() if name != "kind"} if isinstance(rule, Mapping) else {}
        word = rule.get("kind", "rule") if isinstance(rule, Mapping) else str(rule)
        yield f"{word} {', '.join(f'{name} {value}' for name, value in said.items())}".strip()


def _performance(place: Place, version: ModelVersion) -> dict[str, Any] | None:
    """What was measured of it since it answers; None if it never did."""
    if captured.versions(place.settings, version.model)[0] < 0 or not version.dataset:
        return None
    with place.store.read() as c:
        plan = runs.get(c, version.run_id).plan
    found = look(place.settings, place.store, place.artifacts, version.model, Asked.of_plan(plan))
    mine = [one for one in found.measured if one.version == version.number]
    whole = next((one for one in mine if one.by == "version"), None)
    if whole is None:
        return None
    return {
        "rows": whole.predictions,
        "labelled": whole.labelled,
        **whole.plain(),
        "slices": [one.plain() for one in mine if one.by == "slice"],
        "windows": [one.plain() for one in mine if one.by == "window"],
    }
