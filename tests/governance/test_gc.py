"""Clearing away: nothing that is live, held, waiting, at work or new loses a byte, whatever happened before."""

import atexit
import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from functools import cache
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import insert, select, update

import projects
from noria.clock import SystemClock
from noria.data import table
from noria.digest import Digest
from noria.errors import NotFound, UserError
from noria.governance import gc
from noria.governance.gc import Policy, collect, look
from noria.run.local import turn
from noria.run.place import Place
from noria.settings import Settings
from noria.store import audit, holds, registry, retention, routes
from noria.store.engine import open_store
from noria.store.memory import Memory
from noria.store.tables import alias, edge, output, release, run, step_run

from .conftest import Noria, place_of

NOW, DEATHS = timedelta(0), 50
DYING = Path(__file__).with_name("dying_gc.py")
CLOCK = SystemClock()
HEAVY = ("X.train.npy", "model")

# One run of a history: what its steps leave (some of it is what an earlier run left too), how far it came, and what
# became of its version.
RUNS = st.lists(
    st.tuples(
        st.lists(st.integers(0, 5), min_size=2, max_size=2),
        st.sampled_from(["released", "refused", "waiting", "answered", "running", "failed"]),
        st.sampled_from(["", "", "champion", "shadow", "route", "hold model", "hold release", "hold run"]),
    ),
    min_size=1,
    max_size=8,
)


@cache
def template() -> Path:
    """A database whose tables are made, to be copied."""
    file = Path(tempfile.mkdtemp(prefix="noria-test-")) / "noria.db"
    open_store(f"sqlite:///{file}").close()
    atexit.register(shutil.rmtree, file.parent)
    return file


@contextmanager
def emptied() -> Iterator[Place]:
    """A place with nothing in it."""
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        shutil.copy(template(), home / "noria.db")
        store = open_store(f"sqlite:///{home / 'noria.db'}")
        yield Place(Settings(home, "", "", actor="tester"), CLOCK, store, Memory())
        store.close()


def lived(place: Place, number: int, shared: list[int], ended: str, then: str) -> None:
    """Put one run on record, with bytes for all it left."""
    now, id, put = CLOCK.now(), f"loans-{number}", place.artifacts.put
    state = "running" if ended == "running" else "done"
    decision = {"answered": "waiting", "running": "refused", "failed": "refused"}.get(ended, ended)
    released = number if ended == "released" else None
    binary = "application/octet-stream"
    left = [(name, put(f"{name} {which}".encode()), binary) for name, which in zip(HEAVY, shared, strict=True)]
    left.append(("release.json", put(f"record {number}".encode()), "application/json"))
    plan = json.dumps({"bundle": put(f"code {number}".encode()).hex})
    a_run = {"id": id, "lifecycle": "loans", "number": number, "state": state, "trigger": "person", "plan": plan}
    a_step = {"run_id": id, "step": "train", "shard": 0, "state": state, "attempt": 1, "fingerprint": f"f{number}"}
    record = {"id": f"r{number}", "model": "loans", "number": released, "run_id": id, "decision": decision}
    said = {"record": left[2][1].hex, "verdicts": [], "decided_by": "gates", "reason": "r", "at": now}
    with place.store.begin() as c:
        c.execute(insert(run).values(**a_run, key="k", started_at=now))
        step = c.execute(insert(step_run).values(**a_step, started_at=now)).inserted_primary_key[0]
        for name, digest, media in left:
            c.execute(insert(output).values(step_run_id=step, name=name, digest=digest.hex, media=media, bytes=1))
        c.execute(insert(release).values(**record, **said))
        if ended == "answered":
            c.execute(insert(edge).values(child=f"release:r{number}x", parent=f"release:r{number}", role="decides"))
        if released is not None:
            made = ("loans", number, left[1][1].hex, "onnx", id, "loans", 1, {}, {}, f"r{number}", now)
            registry.add_version(c, registry.ModelVersion(*made))
        _became(c, number, then, released=released is not None)


def _became(c, number: int, then: str, *, released: bool) -> None:  # type: ignore[no-untyped-def]
    if then in ("champion", "shadow") and released:
        registry.set_alias(c, CLOCK, "loans", then, number, actor="t", reason="r")
    elif then == "route" and released:
        routes.set_weights(c, CLOCK, "loans", {str(number): 100}, actor="t", reason="r")
    elif then.startswith("hold") and (released or then != "hold model"):
        node = {"model": f"model_version:loans@{number}", "release": f"release:r{number}", "run": f"run:loans-{number}"}
        holds.place(c, CLOCK, node[then.removeprefix("hold ")], actor="t", reason="r")


def needed(place: Place, newest: int) -> set[str]:
    """Digests that must stay, told in another way than retention does: from each thing to what it is made of."""
    with place.store.read() as c:
        rows = c.execute(select(run.c.id, run.c.number, run.c.state).order_by(run.c.number.desc())).all()
        stay = {row.id for row in rows[:newest]} | {row.id for row in rows if row.state == "running"}
        live = {row.number for row in c.execute(select(alias.c.number))}
        live |= {int(one) for route in routes.all_newest(c) for one in [*route.weights, *route.shadow]}
        stay |= {f"loans-{number}" for number in live}
        stay |= {
            f"loans-{one.node.rpartition('@')[2].rpartition('-')[2].rpartition(':r')[2]}" for one in holds.holds(c)
        }
        asked = {
            row.id: row.run_id
            for row in c.execute(select(release.c.id, release.c.run_id).where(release.c.decision == "waiting"))
        }
        answered = {
            row.parent.partition(":")[2] for row in c.execute(select(edge.c.parent).where(edge.c.role == "decides"))
        }
        stay |= {id for one, id in asked.items() if one not in answered}
        left = c.execute(
            select(output.c.digest, output.c.media, step_run.c.run_id).join(
                step_run, step_run.c.id == output.c.step_run_id
            )
        ).all()
        packages = {one.package for one in registry.versions(c)}
        code = {json.loads(row.plan)["bundle"] for row in c.execute(select(run.c.plan))}
    return packages | code | {row.digest for row in left if row.run_id in stay or row.media == "application/json"}


@given(RUNS, st.integers(1, 3))
@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_whatever_happened_all_that_is_needed_stays_and_no_result_without_bytes_is_used(
    history: list[tuple[list[int], str, str]], newest: int
) -> None:
    with emptied() as place:
        for number, (shared, ended, then) in enumerate(history, 1):
            lived(place, number, shared, ended, then)
        orphan = place.artifacts.put(b"of nobody")
        must, before = needed(place, newest), {one.hex for one in place.artifacts.all()}
        with place.store.begin() as c:
            c.execute(update(step_run).values(started_at=None))  # nobody has been at work for long enough to matter
        time.sleep(0.001)  # what was put before now is older than the grace of no time
        seen = look(place, Policy(newest, NOW))
        done = collect(place, Policy(newest, NOW), "a test")
        after = {one.hex for one in place.artifacts.all()}
        assert must <= after
        assert after == must, "and nothing else stays"
        assert not place.artifacts.has(orphan)
        assert done.bytes == seen.bytes == sum(one.bytes for one in done.things)
        assert {one.name for one in seen.things} == {one.name for one in done.things}
        assert len(before - after) == len(done.things)
        with place.store.read() as c:
            assert list(audit.problems(c)) == []
            for row in c.execute(
                select(output.c.digest, step_run.c.fingerprint).join(step_run, step_run.c.id == output.c.step_run_id)
            ):
                assert row.digest in after or row.fingerprint is None
        assert collect(place, Policy(newest, NOW), "again").things == ()


def test_what_was_just_written_and_what_a_step_at_work_may_need_stays() -> None:
    with emptied() as place:
        young = place.artifacts.put(b"of nobody yet")
        assert look(place, Policy(1, timedelta(hours=1))).things == ()
        lived(place, 1, [1, 1], "running", "")
        lease(place, timedelta(minutes=1))
        time.sleep(0.001)
        late = place.artifacts.put(b"what it made meanwhile")
        collect(place, Policy(1, NOW), "a test")
        assert place.artifacts.has(late)
        assert not place.artifacts.has(young)
        lease(place, -timedelta(minutes=1))  # it was killed: what it made and never put on record goes
        collect(place, Policy(1, NOW), "a test")
        assert not place.artifacts.has(late)


def lease(place: Place, left: timedelta) -> None:
    with place.store.begin() as c:
        c.execute(update(step_run).values(lease_until=CLOCK.now() + left))


def test_a_version_that_stays_is_still_built_again_and_the_loop_goes_on(mine: Path, noria: Noria) -> None:
    place = place_of(mine)
    projects.change(mine / "lifecycle.py", "choice(0.1, 1.0)", "choice(0.2, 2.0)")
    assert turn(place, mine / "lifecycle.py").run.state == "done"  # 3 is the challenger now, 2 is nothing any more
    assert noria("gc", "hold", "loans@1", "--reason", "a claim").code == 0
    seen = noria("gc", "--dry-run", "--keep", 1, "--grace", 0, "--json").data
    assert seen["kept"] == {"loans-1": "held", "loans-3": "live"}
    freed = noria("gc", "--keep", 1, "--grace", 0, "--json").data
    assert freed["bytes"] == seen["bytes"] > 0
    assert {one["name"] for one in freed["things"] if one["kind"] == gc.OUTPUTS} >= {"predictions.parquet of loans-2"}
    logs = mine / ".noria" / "logs"
    assert {one["name"] for one in freed["things"] if one["kind"] == gc.LOGS} == {"logs/loans-2"}
    assert sorted(path.name for path in logs.iterdir()) == ["loans-1", "loans-3"]
    for version in ("loans@1", "loans@2"):
        assert noria("data", "verify", version).code == 0
    for version in (1, 3):
        assert noria("model", "reproduce", f"loans@{version}").code == 0
    assert noria("audit", "show", "--json").data[-1]["action"] == "gc"
    assert noria("audit", "verify").code == 0
    assert noria("trace", "model", "loans@2").code == 0  # what it was made of is on record, whatever went
    projects.change(mine / "lifecycle.py", "choice(0.2, 2.0)", "choice(0.1, 1.0)")
    done = turn(place, mine / "lifecycle.py")  # what loans-2 left would be used again, had it not gone
    assert done.run.state in ("done", "stopped"), done.run.message


def test_files_of_tables_go_when_they_are_no_part_of_them(mine: Path, noria: Noria) -> None:
    place = place_of(mine)
    path = Path(place.settings.data) / "loans"
    batch = next(path.glob("_batch=*"))
    stray, young = batch / "killed.parquet", batch / "on-its-way.parquet"
    stray.write_bytes(b"x" * 100)
    os.utime(stray, (1, 1))
    young.write_bytes(b"y")
    (place.settings.spool / "killed.draft").write_bytes(b"z" * 10)
    os.utime(place.settings.spool / "killed.draft", (1, 1))
    rows = table.whole(str(path)).collect().height
    freed = noria("gc", "--json").data
    assert freed["kinds"] == {
        gc.FILES: {"things": 1, "bytes": 100},
        gc.SPOOL: {"things": 1, "bytes": 10},
    }
    assert (stray.exists(), young.exists()) == (False, True)
    assert table.whole(str(path)).collect().height == rows


def test_what_is_held_is_not_erased_until_the_hold_is_ended(mine: Path, noria: Noria) -> None:
    from .conftest import KEY

    assert noria("gc", "hold", "data", "loans@1", "--reason", "a claim").code == 0
    refused = noria("erase", KEY, "--reason", "asked for it")
    assert (refused.code, "under a legal hold" in refused.err) == (2, True)
    assert noria("gc", "holds", "--json").data[0]["reason"] == "a claim"
    assert noria("gc", "release", "data", "loans@1", "--reason", "settled").code == 0
    assert noria("erase", KEY, "--reason", "asked for it").code == 0
    actions = [one["action"] for one in noria("audit", "show", "--json").data]
    assert actions[-4:] == ["hold", "hold ended", "erase begun", "erase"]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["hold", "loans@1"], "a hold needs a reason"),
        (["hold", "loans@9", "--reason", "r"], "nothing is called loans@9"),
        (["hold", "file", "1.csv", "--reason", "r"], "no kind file"),
        (["release", "loans@1", "--reason", "r"], "model_version:loans@1 is not held"),
        (["--keep", "0"], "greater than or equal to 1"),
    ],
    ids=" ".join,
)
def test_a_mistake_is_one_sentence(mine: Path, noria: Noria, words: list[str], said: str) -> None:
    ended = noria("gc", *words)
    assert (ended.code, said in ended.err, ended.err.count("\n")) == (2, True, 1)


def test_one_at_a_time_and_none_beside_an_erasure(mine: Path) -> None:
    place = place_of(mine)
    with gc.alone(place.settings.home), pytest.raises(UserError, match="another erasure or clearing is at work"):
        collect(place, Policy(), "a test")


def test_a_wheel_that_turns_meanwhile_loses_nothing(mine: Path) -> None:
    """A real run beside one clearing after another, with no grace: only the lock and the step at work protect."""
    stop, place = threading.Event(), place_of(mine)
    cleared: list[int] = []

    def clear() -> None:
        while not stop.is_set():
            cleared.append(len(collect(place_of(mine), Policy(1, NOW), "a test").things))

    beside = threading.Thread(target=clear)
    beside.start()
    try:
        for name in ("5", "6"):
            projects.rows(120, seed=int(name), first=50_000 + 1000 * int(name)).with_columns(
                note=projects.pl.lit("none")
            ).write_csv(mine / "inbox" / f"{name}.csv")
            done = turn(place, mine / "lifecycle.py")
            assert done.run.state in ("done", "stopped"), done.run.message
    finally:
        stop.set()
        beside.join()
    assert cleared
    with place.store.read() as c:
        stay = retention.kept(c, 1).runs
        rows = c.execute(
            select(output.c.digest, step_run.c.run_id).join(step_run, step_run.c.id == output.c.step_run_id)
        ).all()
    for row in rows:
        if row.run_id in stay:
            place.artifacts.get(Digest(row.digest))


@pytest.mark.system
def test_killed_at_random_moments_it_goes_on(lived: Path, tmp_path: Path) -> None:
    seed = int(os.environ.get("FAULT_SEED", random.randrange(1_000_000)))
    print(f"FAULT_SEED={seed}")
    words = [sys.executable, str(DYING), str(seed), str(DEATHS), str(lived), str(tmp_path / "copies")]
    done = subprocess.run(words, capture_output=True, text=True, timeout=480)
    assert done.returncode == 0, done.stderr
    assert len(json.loads(done.stdout)) >= DEATHS
    calm = {one.hex for one in place_of(tmp_path / "copies" / "calm").artifacts.all()}
    for folder in (tmp_path / "copies").iterdir():
        place = place_of(folder)
        assert {one.hex for one in place.artifacts.all()} == calm, f"FAULT_SEED={seed}"
        with place.store.read() as c:
            assert list(audit.problems(c)) == []
        with pytest.raises(NotFound):
            place.artifacts.get(Digest.of(b"never put"))
