"""Erasing one subject from ten million rows, beside reading and writing the files that hold it, and nothing else."""

import tempfile
from pathlib import Path

import polars as pl

from benchmarks.measure import Line, Peer, Target, timed
from benchmarks.trust import history
from benchmarks.trust.history import NAME
from benchmarks.trust.trace import BATCHES, EVERYWHERE, ROWS, SELDOM
from noria.data import subjects
from noria.governance.erase import Request, erase_subject
from noria.run.place import Place
from noria.store.erasures import Secret

TARGET = 3.0


def lines() -> list[Line]:
    found = []
    with history.place() as home:
        history.versions(home, BATCHES)
        history.people(home, BATCHES, ROWS, everywhere=EVERYWHERE, seldom=SELDOM)
        for key, said in ((EVERYWHERE, "in all 100 batches"), (SELDOM, "in 3 of 100 batches")):
            limit = timed(lambda key=key: _limit(home, key))  # type: ignore[misc]
            took = timed(lambda key=key: _erased(home, key))  # type: ignore[misc]
            peers = [Peer(f"Polars {pl.__version__}, writing the files anew (the limit)", [limit])]
            if key == SELDOM:  # to know that no other file holds the person, everybody's key is read
                peers.append(Peer("the same, and reading all keys once", [limit + timed(lambda: _keys(home))]))
            target = Target(TARGET, of_ratio=True)
            found.append(Line(f"erase one subject, 10M rows, {said}", "s", [took], peers, target))
    return found


def _limit(home: Place, key: str) -> None:
    path = Path(home.settings.data) / NAME
    held = subjects.rows(str(path), history.COLUMN, key, Secret(home.settings.secret).seed)
    with tempfile.TemporaryDirectory(dir=home.settings.home) as folder:
        history.rewritten(path, list(held), Path(folder))


def _keys(home: Place) -> None:
    for file in (Path(home.settings.data) / NAME).glob("_batch=*/*.parquet"):
        pl.scan_parquet(file, hive_partitioning=False).select(pl.col(history.COLUMN).str.len_bytes().sum()).collect()


def _erased(home: Place, key: str) -> None:
    done = erase_subject(home, Request(key, None, "retrain", "bench", "a benchmark"), lambda: None)
    assert done is not None
    assert done.certificate["left"] == []
