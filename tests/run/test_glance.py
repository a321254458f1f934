"""A run in which nothing changed is told at a glance, says what the full way says, and is never told wrongly."""

import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import projects
from noria import settings
from noria.run import glance
from noria.run.local import turn
from noria.run.place import Place, open_place
from noria.store import routes, runs

DEADLINE_S = 30


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return projects.write(tmp_path / "project")


@pytest.fixture
def place(file: Path) -> Place:
    return open_place(settings.load(file.parent, environ={}))


def noted(place: Place, file: Path) -> None:
    """Turn until a glance can tell: files must be older than the run by more than their time stamps are coarse."""
    end = time.monotonic() + DEADLINE_S
    turn(place, file)
    while glance.again(place.settings, file) is None:
        assert time.monotonic() < end, "no run was noted"
        turn(place, file)


def recorded(place: Place) -> list[dict[str, Any]]:
    """The newest run as the store has it, without times, ids and numbers."""
    own = {"id", "run_id", "ready_at", "started_at", "ended_at", "lease_until", "owner", "peak_memory_mb", "attempt"}
    with place.store.read() as c:
        run = runs.newest(c, "loans")[0]
        steps = runs.steps(c, run.id)
        plain = [{name: getattr(step, name) for name in step.__slots__ if name not in own} for step in steps]
        outputs = [runs.result(c, step.id) for step in steps]
    return [{"state": run.state, "key": run.key, "plan": run.plan.to_json()}, *plain, {"outputs": outputs}]


def test_a_glance_records_what_the_full_way_records(place: Place, file: Path) -> None:
    noted(place, file)
    done = glance.again(place.settings, file)
    assert done is not None
    assert {step.state for step in done.steps} == {"reused"}
    by_glance = recorded(place)
    full = turn(place, file)
    assert full.run.number == done.number + 1
    assert recorded(place) == by_glance
    assert glance.again(place.settings, file) is not None


def test_files_that_were_only_touched_or_written_as_they_were_are_the_same(place: Place, file: Path) -> None:
    noted(place, file)
    os.utime(file)
    helper = file.parent / "features.py"
    content = helper.read_bytes()
    helper.unlink()
    helper.write_bytes(content)
    assert glance.again(place.settings, file) is not None
    assert glance.again(place.settings, file) is not None
    projects.change(helper, "LIMIT = 100", "LIMIT = 100  # years")
    assert glance.again(place.settings, file) is not None
    projects.change(helper, "LIMIT = 100", "LIMIT = 101")  # within the time stamp's grain, perhaps
    assert glance.again(place.settings, file) is None


def edit_helper(file: Path, place: Place) -> None:
    projects.change(file.parent / "features.py", "LIMIT = 100", "LIMIT = 101")


def same_size_and_time(file: Path, place: Place) -> None:
    helper = file.parent / "features.py"
    stat = helper.stat()
    projects.change(helper, "LIMIT = 100", "LIMIT = 101")
    os.utime(helper, ns=(stat.st_atime_ns, stat.st_mtime_ns))


def new_file(file: Path, place: Place) -> None:
    projects.arrive(file.parent, "2")


def file_gone(file: Path, place: Place) -> None:
    (file.parent / "inbox" / "1.csv").rename(file.parent / "inbox" / "0.csv")


def other_route(file: Path, place: Place) -> None:
    with place.store.begin() as c:
        routes.set_weights(c, place.clock, "loans", {"1": 50}, actor="t", reason="test")


def run_under_way(file: Path, place: Place) -> None:
    with place.store.begin() as c:
        last = runs.newest(c, "loans")[0]
        runs.start(c, place.clock, last.plan, key="other", trigger="test", remedy=None)


def module_in_the_way(file: Path, place: Place) -> None:
    (file.parent / "sklearn.py").write_text("")


@pytest.mark.parametrize(
    "change",
    [edit_helper, same_size_and_time, new_file, file_gone, other_route, run_under_way],
    ids=lambda change: change.__name__.replace("_", " "),
)
def test_whatever_changes_leads_to_the_full_way(
    place: Place, file: Path, change: Callable[[Path, Place], None]
) -> None:
    noted(place, file)
    change(file, place)
    with place.store.read() as c:
        before = runs.newest(c, "loans")[0].number
    assert glance.again(place.settings, file) is None
    with place.store.read() as c:
        assert runs.newest(c, "loans")[0].number == before


@pytest.mark.parametrize(
    "line",
    [
        'LIMIT = len(open("limit.txt").read())',
        'LIMIT = int(__import__("os").environ["LIMIT"])',
        "import time; LIMIT = time.time()",
    ],
    ids=["a file", "the environment", "the time"],
)
def test_code_that_may_read_what_no_mark_shows_is_never_noted(
    place: Place, file: Path, line: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(file.parent)
    monkeypatch.setenv("LIMIT", "100")
    (file.parent / "limit.txt").write_text("x" * 100)
    projects.change(file.parent / "features.py", "LIMIT = 100", line)
    old = time.time() - 100
    for path in file.parent.rglob("*.py"):
        os.utime(path, (old, old))
    turn(place, file)
    assert not glance.note(
        place.settings, file, "loans", 1, files=[file.parent / "features.py"], patterns=[], folders=[],
        began_ns=time.time_ns() + 10**12,
    )  # fmt: skip
    assert glance.again(place.settings, file) is None
