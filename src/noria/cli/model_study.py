"""noria model study: the search in which a version's parameters were found."""

import json as jsonlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from noria.cli import output
from noria.cli.model_find import AsJson, Name, find
from noria.errors import NotFound
from noria.run.place import Place
from noria.store import registry, runs
from noria.train.studies import file_of


def study(name: Name, json: AsJson = False) -> None:
    """The trials behind a version: parameters, value, seconds, memory and state of each, and where the study lies."""
    place = output.existing_place()
    version = find(place, name)
    found = _found(place, version)
    if json:
        output.show_json(found)
        return
    rows = [
        (one["number"], one["params"], one["value"], one["state"], one["seconds"], one["memory_mb"], one["message"])
        for one in found["trials"]
    ]
    heads = ["trial", "parameters", found["metric"], "state", "seconds", "MiB", "why"]
    output.show_table(f"Study of {version.model}@{version.number}, {found['sampler']}", heads, rows)
    output.say(f"Chosen: trial {found['chosen']}, {output.cell(found['params']) or 'no parameters'}.")
    output.say(
        f"To look around in it: optuna-dashboard {found['file']}"
        if found["file"]
        else "The study itself is not on this machine."
    )


def _found(place: Place, version: registry.ModelVersion) -> dict[str, Any]:
    with place.store.read() as c:
        run = runs.get(c, version.run_id)
        step = _step(runs.steps(c, run.id), version)
        outputs = runs.result(c, step.id).outputs
    kept, costs = (jsonlib.loads(place.artifacts.get(outputs[one].digest)) for one in ("study.json", "costs.json"))
    took = {one["number"]: one for one in costs}
    trials = [{**one, **took[one["number"]]} for one in kept["trials"]]
    params = dict(version.params)
    file = file_of(place.settings.home, run.lifecycle, step.fingerprint or "")
    chosen = _chosen(trials, params, (step.facts or {}).get("value"))
    return {
        "model": version.model, "number": version.number, "run": run.id, "metric": kept["metric"],
        "sampler": kept["sampler"], "params": params, "chosen": chosen, "trials": trials,
        "file": _shown(file) if file.exists() else None,
    }  # fmt: skip


def _step(steps: list[runs.StepRun], version: registry.ModelVersion) -> runs.StepRun:
    """The search in the version's run; what is imported was searched for elsewhere."""
    found = next((one for one in steps if one.step == "tune" and one.facts), None)
    if found is None:
        what, do = f"{version.model}@{version.number} has no study", "Only a version that a run made has one."
        raise NotFound(what, where="registry", do=do)
    return found


def _chosen(trials: Sequence[Mapping[str, Any]], params: Mapping[str, Any], value: float | None) -> int | None:
    """The first of the trials with the parameters that were taken."""
    same = (one["number"] for one in trials if one["params"] == params and one["value"] == value)
    return next(same, None)


def _shown(file: Path) -> str:
    """As short as it can be typed here."""
    return str(file.relative_to(Path.cwd())) if file.is_relative_to(Path.cwd()) else str(file)
