"""Run by Airflow's own interpreter: the DAGs of an export as plain JSON, built with everything but Airflow blocked."""

import builtins
import json
import sys
from pathlib import Path

ALLOWED = {"noria", "airflow", *sys.stdlib_module_names}
imported = builtins.__import__
refused: list[str] = []


def guarded(name, globals=None, locals=None, fromlist=(), level=0):  # type: ignore[no-untyped-def]
    """Import for noria's own files only what they may have."""
    here = (globals or {}).get("__name__", "")
    if here.partition(".")[0] == "noria" and level == 0 and name.partition(".")[0] not in ALLOWED:
        refused.append(f"{here} imports {name}")
        raise ImportError(refused[-1])
    return imported(name, globals, locals, fromlist, level)


builtins.__import__ = guarded

from noria.airflow import dag, get_provider_info, sweep  # noqa: E402


def task(one: object) -> dict[str, object]:
    """What matters of a task."""
    mapped = one.is_mapped  # type: ignore[attr-defined]
    given = one.partial_kwargs if mapped else vars(one)  # type: ignore[attr-defined]
    count = len(one.expand_input.value["command"]) if mapped else 0  # type: ignore[attr-defined]
    return {
        "after": sorted(one.upstream_task_ids),  # type: ignore[attr-defined]
        "rule": str(getattr(one.trigger_rule, "value", one.trigger_rule)),  # type: ignore[attr-defined]
        "kind": one.task_type,  # type: ignore[attr-defined]
        "mapped": count,
        "at once": getattr(one, "max_active_tis_per_dagrun", None),
        "queue": one.queue,  # type: ignore[attr-defined]
        "command": (one.expand_input.value["command"] if mapped else given.get("command")),  # type: ignore[attr-defined]
        "doc": one.doc_md,  # type: ignore[attr-defined]
        "policy": type(one.retry_policy).__name__,  # type: ignore[attr-defined]
        "links": [link.name for link in one.operator_extra_links],  # type: ignore[attr-defined]
    }


def plain(made: object) -> dict[str, object]:
    tasks = {one.task_id: task(one) for one in made.tasks}  # type: ignore[attr-defined]
    return {"dag": made.dag_id, "timetable": type(made.timetable).__name__, "tasks": tasks}  # type: ignore[attr-defined]


if __name__ == "__main__":
    plan = Path(sys.argv[1])
    try:
        found = {"turns": plain(dag(plan))}
        swept = sweep(plan)
        found["sweeps"] = plain(swept) if swept is not None else None
    except ValueError as error:
        found = {"error": str(error)}
    ours = sorted(name for name in sys.modules if name.partition(".")[0] == "noria")
    print(json.dumps({**found, "modules": ours, "refused": refused, "provider": get_provider_info()}))
