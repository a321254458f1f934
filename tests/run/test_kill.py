"""kill -9 at random moments of a run: running again ends where an undisturbed run ends."""

import json
import os
import random
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import polars as pl
import pytest

import projects
from noria import settings
from noria.data import table
from noria.run.place import open_place
from noria.store import alerts, audit, datasets, registry, routes, runs

KILLS = 2  # per step and turn, beside one by the clock
COSTS = "costs.json"  # seconds and memory, measured
DYING = Path(__file__).with_name("dying.py")


@pytest.mark.system
def test_killed_at_random_moments_a_run_ends_in_the_same_versions_and_digests(tmp_path: Path) -> None:
    seed = int(os.environ.get("FAULT_SEED", random.randrange(1_000_000)))
    print(f"FAULT_SEED={seed}")
    calm, disturbed = projects.write(tmp_path / "calm" / "loans"), projects.write(tmp_path / "killed" / "loans")
    deaths: list[str] = []
    for name in ("1", "2", "3"):
        if name != "1":
            projects.arrive(calm.parent, name)
            projects.arrive(disturbed.parent, name)
        events = die(calm, seed, kills=0)["counts"]
        deaths += die(disturbed, seed, kills=KILLS if name != "3" else 0, events=events)["deaths"]
        assert state(disturbed.parent) == state(calm.parent), f"FAULT_SEED={seed}"
    where = Counter(death.partition(":")[0] for death in deaths)
    assert len(deaths) >= 30, where
    steps = {"collect", "validate", "preprocess", "tune", "train", "analyze", "release", "deploy"}
    assert len(steps & set(where)) >= 6, where  # who is killed by the clock may have got through a short one
    left = [
        *(disturbed.parent / ".noria" / "scratch").iterdir(),
        *(disturbed.parent / ".noria/artifacts/tmp").iterdir(),
    ]
    assert left == []


def die(file: Path, seed: int, *, kills: int, events: dict[str, int] | None = None) -> Any:
    """What the program in dying.py printed: the places of death, and the events of the last, undisturbed turn."""
    command = [sys.executable, str(DYING), str(file), str(seed), str(kills), json.dumps(events or {})]
    done = subprocess.run(command, capture_output=True, text=True, cwd=file.parent, timeout=240)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def state(project: Path) -> dict[str, Any]:
    """All that a project's stores hold, without times and ids of processes."""
    place = open_place(settings.load(project, environ={}))
    with place.store.read() as c:
        assert list(audit.problems(c)) == []
        turns = [(run, runs.steps(c, run.id)) for run in reversed(runs.newest(c, "loans", 10))]
        outputs = {
            f"{step.run_id}/{step.step}": {
                name: out.digest.hex for name, out in runs.result(c, step.id).outputs.items() if name != COSTS
            }
            for _, steps in turns
            for step in steps
        }
        found = {
            "runs": [(run.number, run.state, run.message) for run, _ in turns],
            "steps": [(step.run_id, step.step, step.state, step.facts) for _, steps in turns for step in steps],
            "outputs": outputs,
            "batches": [(one.number, one.id, one.rows, one.profile) for one in datasets.batches(c, "loans")],
            "versions": [(v.number, v.digest, v.batches, v.verdict) for v in datasets.versions(c, "loans")],
            "models": [(m.number, m.package, m.params, m.metrics, m.release_id) for m in registry.versions(c, "loans")],
            "aliases": registry.aliases(c, "loans"),
            "releases": [(r.id, r.decision, r.record) for r in registry.releases(c, "loans")],
            "routes": [(r.revision, r.weights, r.salt) for r in routes.history(c, "loans")],
            "audit": [(one.action, one.subject, one.before, one.after) for one in audit.entries(c)],
            "alerts": [(one.id, one.what) for one in sorted(alerts.newest(c, "loans"), key=lambda one: one.id)],
        }
    rows = table.scan(f"{place.settings.data}/loans", [one[1] for one in found["batches"]]).collect()
    found["table"] = sorted(rows.group_by(table.BATCH).agg(pl.len()).rows())
    place.store.close()
    return found
