"""Erasing beside real processes that serve, collect and train; and from artifacts that lie in a bucket."""

import subprocess
import sys
import threading
from pathlib import Path

import boto3
import polars as pl
import pytest

from noria.client import Client
from noria.data import table
from noria.digest import Digest
from noria.errors import NotFound
from noria.serve.flush import flush
from noria.store import datasets, runs
from noria.store.folder import Folder
from noria.store.s3 import S3
from serve.live import Live

from .conftest import AMOUNT, KEY, NOTE, Noria, others, person, place_of
from .test_erase import NUMBERS, TEXTS, places

OTHER = {"applicant": "other", "age": 33.0, "amount": 40.0, "job": "nurse", "sex": "f", "note": "none"}
ROW = {"age": 33.0, "amount": AMOUNT, "job": "nurse", "sex": "f", "note": NOTE}


@pytest.mark.system
def test_a_server_answers_and_a_run_learns_meanwhile(mine: Path, noria: Noria) -> None:
    stop, asked, given = threading.Event(), threading.Event(), list[str]()

    def ask(url: str) -> None:
        with Client(url) as client:
            given.extend(client.predict("loans", [{**ROW, "applicant": KEY}], subject=KEY)[0].id for _ in range(5))
            asked.set()
            while not stop.wait(0.01):
                client.predict("loans", [OTHER], subject="other")

    pl.concat([others(120, seed=8, first=30_000), person(2)]).write_csv(mine / "inbox" / "5.csv")
    words = [sys.executable, "-m", "noria.cli.main", "run", "lifecycle.py", "--json"]
    with Live(mine) as server:
        callers = threading.Thread(target=ask, args=(server.url,))
        callers.start()
        try:
            assert asked.wait(60)
            turning = subprocess.Popen(words, cwd=mine, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
            erased = noria("erase", KEY, "--reason", "asked for it", "--json")
            said = turning.communicate(timeout=240)[1]
            assert turning.returncode in (0, 2), said  # a step that would begin while an erasure is open is refused
            assert erased.code == 0, erased.err
            turned = subprocess.run(words, cwd=mine, capture_output=True, text=True, timeout=240)
            assert turned.returncode == 0, turned.stderr
        finally:
            stop.set()
            callers.join()
    flush(place_of(mine).settings)  # what the server had not carried on when it was killed
    needles = [*TEXTS, *NUMBERS, *(id.encode() for id in given)]
    assert len(given) == 5
    assert places(mine / ".noria", needles) == []
    place = place_of(mine)
    with place.store.read() as c:
        held = {one.source["name"]: one for one in datasets.batches(c, "loans")}
        assert runs.newest(c, "loans")[0].state == "done"
    assert held["inbox/5.csv"].rows == 120
    assert table.own(f"{place.settings.data}/loans", held["inbox/5.csv"].id).collect().height == 120
    assert noria("data", "verify", "loans").code == 0
    assert noria("audit", "verify").code == 0


@pytest.mark.system
def test_artifacts_in_a_bucket_are_erased_and_cleared_too(
    mine: Path, noria: Noria, s3_url: str, tmp_path: Path
) -> None:
    local, bucket = Folder(mine / ".noria" / "artifacts"), S3(s3_url, tmp_path / "upload")
    for digest in local.all():
        bucket.put_file(local.path(digest))
    (mine / "noria.toml").write_text(f'artifacts = "{s3_url}"\n')
    for file in sorted((mine / ".noria" / "artifacts").rglob("*")):
        if file.is_file():
            file.unlink()
    assert any(KEY in where for where in objects(s3_url, tmp_path / "before"))
    assert noria("erase", KEY, "--reason", "asked for it").code == 0
    assert objects(s3_url, tmp_path / "after") == []
    assert places(mine / ".noria", [*TEXTS, *NUMBERS]) == []
    stray = place_of(mine).artifacts.put(b"of nobody")
    assert noria("gc", "--keep", 1, "--grace", 0).code == 0
    with pytest.raises(NotFound):
        S3(s3_url, tmp_path / "other").get(stray)
    with place_of(mine).store.read() as c:
        live = datasets.batches(c, "loans")
        package = runs.result(c, runs.step(c, "loans-1", "train").id).outputs["model"].digest
    assert live
    assert S3(s3_url, tmp_path / "third").get(Digest(package.hex))


def objects(url: str, folder: Path) -> list[str]:
    """Where the bucket still holds something of the person, looked through as files are."""
    bucket = url.removeprefix("s3://").partition("/")[0]
    client = boto3.client("s3")
    folder.mkdir()
    for page in client.get_paginator("list_objects_v2").paginate(Bucket=bucket):
        for one in page.get("Contents", ()):
            body = client.get_object(Bucket=bucket, Key=one["Key"])["Body"].read()
            (folder / one["Key"].replace("/", "-")).write_bytes(body)
    return places(folder, [*TEXTS, *NUMBERS])
