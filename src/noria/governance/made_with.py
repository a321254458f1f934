"""What stands on a release's record: gates, the trial that won, parameters' code and environment, as ends of edges."""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from noria.digest import Digest
from noria.errors import NotFound
from noria.governance.plan import Stores
from noria.store import registry

End = tuple[str, str, str, str, str | None, Mapping[str, Any]]  # child, parent, role, title, state, facts


def of(stores: Stores, ids: Sequence[str], most: int) -> list[End]:
    """The ends of releases, if there are at most so many of them; none of a release whose record was erased."""
    if len(ids) > most:
        return []
    with stores.store.read() as c:
        found = [registry.get_release(c, id.partition(":")[2]) for id in ids]
    return [end for one in found for end in _of(stores, one)]


def _of(stores: Stores, one: registry.Release) -> Iterator[End]:
    node = f"release:{one.id}"
    for verdict in one.verdicts or ():
        name = str(verdict.get("gate"))
        yield node, f"gate:{one.id}/{name}", "judged by", name, verdict.get("verdict"), _short(verdict)
    record = _record(stores, one)
    if not record:
        return
    run = f"run:{one.run_id}"
    yield from _trial(record, one.run_id, run)
    if bundle := record.get("bundle"):
        yield run, f"code:{bundle}", "code", f"code {bundle[:12]}", None, {"bundle": bundle}
    if found := record.get("environment"):
        digest = Digest.of_json(found)
        packages = found.get("packages", found)
        about = {name: packages[name] for name in ("noria", "scikit-learn", "torch", "lightgbm") if name in packages}
        said = f"Python {found.get('python', '?')}, {len(packages)} packages"
        yield run, f"environment:{digest}", "environment", said, None, about


def _record(stores: Stores, one: registry.Release) -> dict[str, Any]:
    try:
        found: dict[str, Any] = json.loads(stores.artifacts.get(Digest(one.record)))
    except NotFound:
        return {}
    return found


def _trial(record: Mapping[str, Any], run: str, run_node: str) -> Iterator[End]:
    trials = record.get("trials") or ()
    params, metric = record.get("params") or {}, record.get("metric")
    won = next((one for one in trials if one.get("params") == params), None)
    if won is not None:
        facts = {"parameters": params, str(metric): won.get("value"), "of": len(trials), "seed": record.get("seed")}
        yield run_node, f"trial:{run}/{won['number']}", "won", f"trial {won['number']} of {len(trials)}", None, facts
    elif params:
        yield run_node, f"parameters:{run}", "with", "parameters", None, {"parameters": params}


def _short(verdict: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in verdict.items() if name in ("evidence", "value", "bound")}
