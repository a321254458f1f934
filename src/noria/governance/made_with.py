"""What stands on a release's record: gates, the trial that won, parameters' code and environment, as ends of edges."""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from noria.digest import Digest
from noria.errors import NotFound
from noria.governance.plan import Stores
from noria.store import registry

COMPLETE = "complete"
LOST = 3  # trials that lost which are drawn each for itself: the next best


class End(NamedTuple):
    """An edge, and the node at its end."""

    child: str
    parent: str
    role: str
    title: str
    state: str | None
    facts: Mapping[str, Any]
    members: Sequence[str] = ()


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
        yield End(node, f"gate:{one.id}/{name}", "judged by", name, verdict.get("verdict"), _short(verdict))
    record = _record(stores, one)
    if not record:
        return
    run = f"run:{one.run_id}"
    yield from _trial(record, one.run_id, run)
    if bundle := record.get("bundle"):
        yield End(run, f"code:{bundle}", "code", f"code {bundle[:12]}", None, {"bundle": bundle})
    if found := record.get("environment"):
        digest = Digest.of_json(found)
        packages = found.get("packages", found)
        about = {name: packages[name] for name in ("noria", "scikit-learn", "torch", "lightgbm") if name in packages}
        said = f"Python {found.get('python', '?')}, {len(packages)} packages"
        yield End(run, f"environment:{digest}", "environment", said, None, about)


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
        said = f"trial {won['number']} of {len(trials)}"
        yield End(run_node, f"trial:{run}/{won['number']}", "won", said, None, facts)
        yield from _lost(won, [one for one in trials if one is not won], str(metric), run)
    elif params:
        yield End(run_node, f"parameters:{run}", "with", "parameters", None, {"parameters": params})


def _lost(won: Mapping[str, Any], trials: Sequence[Mapping[str, Any]], metric: str, run: str) -> Iterator[End]:
    """The next best of the trials that lost, and the others as one."""

    def behind(one: Mapping[str, Any]) -> tuple[bool, float, int]:
        value, best = one.get("value"), won.get("value")
        if value is None or best is None:
            return True, 0.0, int(one["number"])
        return False, abs(best - value), int(one["number"])

    run_node, ranked = f"run:{run}", sorted(trials, key=behind)
    few = ranked if len(ranked) <= LOST + 1 else ranked[:LOST]
    for one in few:
        facts = {"parameters": one.get("params") or {}, metric: one.get("value")}
        state = None if one.get("state") == COMPLETE else one.get("state")
        yield End(run_node, f"trial:{run}/{one['number']}", "lost", f"trial {one['number']}", state, facts)
    if rest := ranked[len(few) :]:
        members = [f"trial:{run}/{one['number']}" for one in rest]
        yield End(run_node, f"trial:{run}/others", "lost", f"{len(rest)} more trials", None, {}, members)


def _short(verdict: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in verdict.items() if name in ("evidence", "value", "bound")}
