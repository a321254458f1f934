"""A disk that is full while rows are collected: one sentence, and with space again it goes on as if it had not been."""

import subprocess
from collections.abc import Iterator
from pathlib import Path

import polars as pl
import pytest
from deltalake import DeltaTable

import faults
from collect.feeds import FEEDS, Feed
from contracts.source import agree, collected, held
from data.steps import Bench
from noria.errors import StoreUnavailable

DISK_MB = 6
FREE_KB = (0, 20, 28, 36, 44, 48, 52, 64, 256)  # that are left when a collect begins


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A small file system of its own."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={DISK_MB}m", "none", str(folder)]
    if subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("only root may mount a file system")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


@pytest.mark.system
@pytest.mark.parametrize("name", ["Csv", "Parquet", "Sqlite", "Images"])
def test_on_a_full_disk_nothing_is_half_and_with_space_again_it_goes_on(disk: Path, name: str) -> None:
    feed: Feed = FEEDS[name](disk)
    feed.bring(0)
    bench = feed.bench()
    collected(bench)
    feed.bring(1)
    said = {free: tried(bench, disk, free << 10) for free in FREE_KB}
    assert said.pop(256) == "", "there is enough"
    assert any("cannot be written" in one for one in said.values()), said
    assert any("disk is full" in one for one in said.values()), said
    collected(feed.bench())
    assert held(feed) == [feed.names(0), feed.names(1)]
    assert agree(feed, 2) == set()
    bench.store.close()


def tried(bench: Bench, disk: Path, free: int) -> str:
    """What a collect says with so much space; no file is left that is not the table's."""
    with faults.full(disk, free):
        try:
            bench.do("collect")
        except StoreUnavailable as said:
            error = said
        else:
            return ""
    path = disk / "home" / "data" / "loans"
    kept = {path / name for name in pl.DataFrame(DeltaTable(path).get_add_actions())["path"]}
    assert set(path.glob("_batch=*/*")) == kept
    assert "\n" not in str(error)
    assert error.do
    return error.what
