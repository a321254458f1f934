"""Taking in a large Parquet file and a large CSV file, and finding that nothing is new."""

import hashlib
import os
import shutil
import sys
from collections.abc import Mapping
from pathlib import Path

import polars as pl

from benchmarks import peers
from benchmarks.data import reference
from benchmarks.measure import Action, Line, Peer, Target, Trouble, in_turns, timed
from benchmarks.processes import seconds
from benchmarks.project import workplace

ROOT = Path(__file__).resolve().parents[2]
MB, ROWS = 436, 1_000_000
PART = 250_000  # rows that the large file is made of at a time
REPETITIONS = 3
NEW, OLD, COPY, DIGEST, CSV, POLARS = "new", "old", "cp", "sha256", "csv", "polars"
PROGRAM = f"""
import sys, time
from pathlib import Path
from noria import settings
from noria.data.schema import Schema
from noria.lifecycle import Lifecycle
from noria.plan import Plan, Step
from noria.run.execute import Order, execute
from noria.run.place import Code, open_place
from noria.store import runs
import noria.collect.step
folder = Path.cwd()
place = open_place(settings.load(folder, environ={{"NORIA_ACTOR": "benchmark"}}))
code = Code(Lifecycle("big", collect="inbox/*", schema={reference.SCHEMA!r}), folder)
began = time.perf_counter()
with place.store.begin() as c:
    plan = Plan("big", (Step("collect"),), bundle="", entry="lifecycle.py")
    run = runs.start(c, place.clock, plan, key=str(began), trigger="benchmark", remedy=None)
done = execute(place, code, Order(run, "collect"))
with place.store.begin() as c:
    runs.end(c, place.clock, run.id, "done")
Path("took").write_text(str(time.perf_counter() - began))
assert done.step.state == sys.argv[1], done.step
"""

BARE = """
import sys, time
from pathlib import Path
import polars as pl
began = time.perf_counter()
pl.read_csv(sys.argv[1], try_parse_dates=True).write_parquet(sys.argv[2])
Path("took").write_text(str(time.perf_counter() - began))
"""


def lines() -> list[Line]:
    return [*_parquet(), _csv()]


def _parquet() -> list[Line]:
    with workplace("collect") as (folder, env):
        file = _large(folder)
        actions: dict[str, Action] = {
            NEW: lambda: _collect(folder, env, fresh=True)[0],
            OLD: lambda: _collect(folder, env, fresh=False)[1],
            COPY: lambda: timed(lambda: _copied(file, folder / "copy")),
            DIGEST: lambda: timed(lambda: _digest(file)),
        }
        missing = ""
        try:
            added, again = _dvc(folder, env, file)
            actions |= {"dvc add": added, "dvc again": again}
        except Trouble as trouble:
            missing = str(trouble)
        took = in_turns(actions, REPETITIONS)
    name = peers.title(peers.DVC)
    dvc = Peer(f"{name}: dvc add", took.get("dvc add", ()), missing)
    limits = [Peer("cp, on the disk (a limit)", took[COPY]), Peer("sha256 (a limit)", took[DIGEST])]
    status = Peer(f"{name}: dvc status", took.get("dvc again", ()), missing)
    whole = f"collect {MB} MB of Parquet, whole process"
    return [
        Line(whole, samples=took[NEW], peers=[dvc, *limits], target=Target(1.0, of_ratio=True)),
        Line("collect, nothing new", samples=took[OLD], peers=[status], target=Target(0.1)),
    ]


def _csv() -> Line:
    with workplace("collect") as (folder, env):
        inbox = folder / "inbox"
        inbox.mkdir()
        file = inbox / "new.csv"
        reference.table(ROWS).write_csv(file)
        os.utime(file, (0, 0))
        took = in_turns(
            {
                CSV: lambda: _collect(folder, env, fresh=True)[1],
                POLARS: lambda: _inside(folder, env, BARE, str(file), "polars.parquet")[1],
            },
            REPETITIONS,
        )
    read = Peer(f"Polars {pl.__version__}, read and write", took[POLARS])
    return Line("collect a 1M-row CSV", samples=took[CSV], peers=[read], target=Target(1.5, of_ratio=True))


def _large(folder: Path) -> Path:
    """One Parquet file of as many megabytes as it takes, in the inbox."""
    inbox = folder / "inbox"
    inbox.mkdir()
    first = folder / "part.parquet"
    reference.table(PART).write_parquet(first)
    count = round(MB * 1e6 / first.stat().st_size)
    first.unlink()
    file = inbox / "new.parquet"
    pl.concat([reference.table(PART, seed) for seed in range(count)]).write_parquet(file)
    os.utime(file, (0, 0))  # it has been there for a while
    return file


def _collect(folder: Path, env: Mapping[str, str], *, fresh: bool) -> tuple[float, float]:
    """Seconds of the whole process, and of the step in it: digest, table, commit."""
    if fresh:
        shutil.rmtree(folder / ".noria", ignore_errors=True)
    return _inside(folder, env, PROGRAM, "done" if fresh else "reused")


def _inside(folder: Path, env: Mapping[str, str], program: str, *words: str) -> tuple[float, float]:
    """Seconds of a whole Python process, and of what it measured itself: its work, without imports."""
    took = seconds([sys.executable, "-c", program, *words], folder, {**env, "PYTHONPATH": str(ROOT)})
    return took, float((folder / "took").read_text())


def _dvc(folder: Path, env: Mapping[str, str], file: Path) -> tuple[Action, Action]:
    """What adds the file anew, and what looks whether it changed."""
    program = peers.install(peers.DVC).program("dvc")
    place = folder / "dvc"
    place.mkdir()
    own = {**env, "DVC_SITE_CACHE_DIR": str(folder / "site"), "DVC_GLOBAL_CONFIG_DIR": str(folder / "config")}
    for words in (["init", "-q", "--no-scm"], ["config", "core.check_update", "false"]):
        seconds([program, *words], place, own)

    def add() -> float:
        for there in (place / ".dvc" / "cache", place / ".dvc" / "tmp", folder / "site"):
            shutil.rmtree(there, ignore_errors=True)
        for name in ("new.parquet", "new.parquet.dvc"):
            (place / name).unlink(missing_ok=True)
        shutil.copy2(file, place / "new.parquet")
        return seconds([program, "add", "-q", "new.parquet"], place, own)

    return add, lambda: seconds([program, "status", "-q"], place, own)


def _copied(file: Path, target: Path) -> None:
    shutil.copyfile(file, target)
    with target.open("rb") as copy:
        os.fsync(copy.fileno())


def _digest(file: Path) -> None:
    with file.open("rb") as content:
        hashlib.file_digest(content, "sha256")
