"""Erasing a subject: no byte of it is left in the home, everything else reads back, and it does not come in again."""

import io
import json
import os
import random
import subprocess
import sys
import zipfile
import zlib
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from noria import owner
from noria.data import captured, multiset, table
from noria.data.captured import subject_digest
from noria.errors import UserError
from noria.governance.erase import Request, erase_subject, left
from noria.governance.plan import Plan
from noria.run.local import turn
from noria.serve.flush import flush
from noria.store import alerts, audit, datasets, erasures, runs
from noria.store.scrub import read_beside

from .conftest import AMOUNT, ANSWERS, KEY, NOTE, Noria, others, person, place_of

DEATHS = 50
DYING = Path(__file__).with_name("dying_erase.py")
TEXTS = [KEY.encode(), NOTE.encode(), b"Orlanda", subject_digest(KEY).encode(), b"zq-0-1", b"zq-2-2"]
NUMBERS = [str(AMOUNT).encode(), b"918273", b"918,27"]


def everything(folder: Path) -> Iterator[tuple[str, bytes]]:
    """All bytes under a folder; what is packed or encoded, decoded too, in another way than noria does."""
    for file in sorted(folder.rglob("*")):
        if file.is_file():
            held = read_beside(file) if file.name.startswith("noria.db") else file.read_bytes()
            yield str(file), file.name.encode() + b"\n" + held
            yield from ((f"{file} {what}", data) for what, data in decoded(held))


def decoded(data: bytes) -> Iterator[tuple[str, bytes]]:
    if data.startswith(b"PAR1"):
        frame = pl.read_parquet(io.BytesIO(data), hive_partitioning=False)
        yield "parquet", repr(frame.to_dicts()).encode()
    elif data.startswith(b"PK\x03\x04"):
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            for name in archive.namelist():
                yield name, archive.read(name)
                yield from decoded(archive.read(name))
    elif data.startswith(b"\x93NUMPY"):
        yield "array", repr(np.load(io.BytesIO(data), allow_pickle=True).tolist()).encode()
    elif data[:1] == b"x":
        try:
            yield "zlib", zlib.decompress(data)
        except zlib.error:
            return


def places(folder: Path, needles: list[bytes]) -> list[str]:
    return sorted({f"{where}: {n!r}" for where, data in everything(folder) for n in needles if n in data})


def rows_by_batch(folder: Path) -> dict[str, pl.DataFrame]:
    place = place_of(folder)
    with place.store.read() as c:
        held = [one.id for one in datasets.batches(c, "loans")]
    path = f"{place.settings.data}/loans"
    return {id: table.own(path, id).collect() for id in held}


def test_no_byte_is_left_and_every_other_row_reads_back(mine: Path, noria: Noria) -> None:
    before = rows_by_batch(mine)
    assert any(KEY in where for where in places(mine / ".noria", TEXTS))
    log = mine / ".noria" / "logs" / "loans-1" / "train.log"
    log.write_text(f"{log.read_text()}an outlier: {KEY}\n")
    said = noria("erase", KEY, "--reason", "asked for it", "--json")
    assert said.code == 0, said.err
    assert said.data["left"] == []
    assert (log.exists(), log.with_name("collect.log").exists()) == (False, True)
    assert places(mine / ".noria", TEXTS) == []
    assert places(mine / ".noria", NUMBERS) == []
    after = rows_by_batch(mine)
    for id, held in before.items():
        kept = held.filter(pl.col("applicant") != KEY)
        assert multiset.digest(after[id]) == multiset.digest(kept), id
    for number in (1, 2):
        assert noria("data", "verify", f"loans@{number}").code == 0
    place = place_of(mine)
    left = captured.predictions(place.settings, "loans")
    assert sorted(set(left["id"])) == [f"ot-{n}-{time}" for n in range(ANSWERS) for time in (1, 2)]
    assert captured.labels(place.settings, "loans").height == 2 * ANSWERS


def test_the_loop_goes_on_without_the_rows_and_refuses_them(mine: Path, noria: Noria) -> None:
    assert noria("erase", KEY, "--reason", "asked for it").code == 0
    pl.concat([others(50, seed=9, first=20_000), person(2)]).write_csv(mine / "inbox" / "4.csv")
    place = place_of(mine)
    done = turn(place, mine / "lifecycle.py")
    assert done.run.state == "done", done.run.message
    with place.store.read() as c:
        batches = {one.source["name"]: one for one in datasets.batches(c, "loans")}
        told = [one for one in alerts.newest(c, "loans") if "arrived again" in one.what]
    assert batches["inbox/4.csv"].rows == 50
    fed = [one.rows for one in batches.values() if one.origin == "captured"]
    assert fed == [ANSWERS, ANSWERS]  # others' answers, each once: earlier commits of the tables still read
    assert told[0].evidence == {"rows": 2}
    assert places(mine / ".noria", TEXTS) == []
    assert noria("data", "verify", "loans").code == 0


def test_versions_and_models_say_so(mine: Path, noria: Noria) -> None:
    assert noria("erase", KEY, "--reason", "asked for it", "--models", "accept").code == 0
    log = noria("data", "log", "--json").data
    assert [one["amended"][0]["rows_before"] - one["amended"][0]["rows_after"] for one in log][:2] == [
        2,
        2 + 1 + ANSWERS,
    ]
    assert "Amended at" in noria("data", "show", "loans@1").out
    assert [one["learned_from_erased"] != [] for one in noria("model", "list", "--json").data] == [True, True]
    assert "accept" in noria("model", "show", "loans@1").out
    assert noria("audit", "verify").code == 0
    again = noria("model", "reproduce", "loans@1")
    assert again.code == 2
    assert "2 rows were erased since" in again.err
    with place_of(mine).store.read() as c:
        last = audit.newest(c, 1)[0]
    assert last.action == "erase"
    assert len(last.after["subject"]) == 64


def test_looking_changes_nothing_and_shows_no_value(mine: Path, noria: Noria) -> None:
    before = {file: file.stat().st_mtime_ns for file in (mine / ".noria/data").rglob("*")}
    said = noria("erase", KEY, "--dry-run", "--json")
    assert sum(said.data["batches"]["loans"].values()) == 2 + 1 + ANSWERS
    assert said.data["predictions"] == {"loans": ANSWERS}  # as many again wait in the spool, and go too
    assert not any(text.decode() in said.out for text in TEXTS)
    assert {file: file.stat().st_mtime_ns for file in (mine / ".noria/data").rglob("*")} == before


def test_who_is_unknown_or_erased_already_is_one_sentence(mine: Path, noria: Noria) -> None:
    said = noria("erase", "nobody", "--reason", "asked for it")
    assert (said.code, said.out) == (0, "There is nothing of this subject; nothing was changed.\n")
    assert noria("erase", KEY, "--reason", "asked for it").code == 0
    said = noria("erase", KEY, "--reason", "asked for it")
    assert said.code == 0
    assert said.out.startswith("This subject is erased already: erasure ")


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ([KEY], "an erasure needs a reason"),
        ([KEY, "--reason", f"{KEY} asked"], "the reason names the subject"),
        ([KEY, "--reason", "r", "--models", "forget"], "no policy 'forget'"),
        ([KEY, "--reason", "r", "--dataset", "lons"], "no dataset lons"),
        (["", "--reason", "r"], "the subject's key is empty"),
    ],
)
def test_a_mistake_is_one_sentence(mine: Path, noria: Noria, words: list[str], sentence: str) -> None:
    said = noria("erase", *words)
    assert said.code == 2
    assert sentence in said.err
    assert said.err.count("\n") == 1


def test_no_step_starts_while_an_erasure_is_open(mine: Path) -> None:
    place = place_of(mine)
    secret = erasures.Secret(place.settings.secret)
    now = place.clock.now()
    with place.store.begin() as c:
        erasures.begin(c, erasures.Erasure(
            "e1", secret.digest(KEY), secret.told, ["loans"], "begun", "retrain", "a", "r", {}, None, None, now, None
        ))  # fmt: skip
    with pytest.raises(UserError, match="erasure e1 of loans is begun and not done"):
        turn(place, mine / "lifecycle.py")


def test_with_another_secret_nobody_would_be_known_again(mine: Path, noria: Noria) -> None:
    assert noria("erase", KEY, "--reason", "asked for it").code == 0
    (mine / ".noria" / "secret").write_bytes(b"another")
    person(1).write_csv(mine / "inbox" / "9.csv")
    with pytest.raises(UserError, match="under another secret"):
        turn(place_of(mine), mine / "lifecycle.py")


def test_a_step_at_work_is_waited_for(mine: Path) -> None:
    place = place_of(mine)
    said: list[str] = []
    with place.store.begin() as c:
        step = runs.steps(c, "loans-2")[0]
        working = {"state": "running", "owner": owner.me(), "lease_until": place.clock.now() + timedelta(minutes=5)}
        runs.mark(c, step.id, **working)

    def ended(text: str) -> None:
        said.append(text)
        with place.store.begin() as c:
            runs.mark(c, step.id, state="done")

    asked = Request(KEY, None, "retrain", "tester", "asked for it")
    assert erase_subject(place, asked, lambda: flush(place.settings), ended) is not None
    assert said[0] == "waiting for step collect of run loans-2"
    assert places(mine / ".noria", TEXTS) == []


@pytest.mark.system
def test_killed_at_random_moments_it_goes_on(lived: Path, tmp_path: Path) -> None:
    seed = int(os.environ.get("FAULT_SEED", random.randrange(1_000_000)))
    print(f"FAULT_SEED={seed}")
    words = [sys.executable, str(DYING), str(seed), str(DEATHS), KEY, str(lived), str(tmp_path / "copies")]
    done = subprocess.run(words, capture_output=True, text=True, timeout=240)
    assert done.returncode == 0, done.stderr
    assert len(json.loads(done.stdout)) >= DEATHS
    calm = {id: multiset.digest(rows) for id, rows in rows_by_batch(tmp_path / "copies" / "calm").items()}
    for folder in (tmp_path / "copies").iterdir():
        assert places(folder / ".noria", [*TEXTS, *NUMBERS]) == [], f"FAULT_SEED={seed}"
        assert {id: multiset.digest(rows) for id, rows in rows_by_batch(folder).items()} == calm
        with place_of(folder).store.read() as c:
            assert list(audit.problems(c)) == []
            (one,) = erasures.all(c)
            assert (one.state, one.counts["predictions"]) == ("done", {"loans": 2 * ANSWERS})
            held = datasets.batches(c, "loans")
        assert [batch.rows_digest for batch in held] == [calm[batch.id] for batch in held]


LOCK = """
import fcntl, sys
with open(sys.argv[1], "r+b") as file:
    try:
        fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, 128)  # the byte by which SQLite knows who is there
    except OSError:
        print("held")
"""


def test_looking_through_every_byte_ends_no_lock_of_the_database(mine: Path) -> None:
    def is_held() -> bool:
        words = [sys.executable, "-c", LOCK, str(shared)]
        return subprocess.run(words, capture_output=True, text=True, check=True).stdout == "held\n"

    place, shared = place_of(mine), mine / ".noria" / "noria.db-shm"
    with place.store.read() as c:
        assert datasets.batches(c, "loans")
        assert is_held()
        found = left(place, Plan("nobody", texts=("the words of nobody at all",)))
        assert found == []
        assert is_held()
        assert shared.read_bytes()  # what must not be done
        assert not is_held()
    place.store.close()
