"""Names of bytes."""

import hashlib
import os
from pathlib import Path

import polars as pl
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from data.steps import Bench
from noria import digest
from noria.collect import marks
from noria.digest import Digest
from noria.lifecycle import Lifecycle

SIZE = 8


@given(content=st.binary(max_size=5 * SIZE))
@example(content=b"x" * (2 * SIZE))
@example(content=b"")
def test_the_name_by_blocks_is_that_of_the_names_of_the_blocks(
    tmp_path_factory: pytest.TempPathFactory, content: bytes
) -> None:
    path = tmp_path_factory.mktemp("blocks") / "file"
    path.write_bytes(content)
    blocks = [hashlib.sha256(content[at : at + SIZE]).digest() for at in range(0, len(content), SIZE)]
    with pytest.MonkeyPatch.context() as small:
        small.setattr(digest, "BLOCK", SIZE)
        small.setattr(digest, "CHUNK", SIZE // 4)
        assert Digest.of_blocks(path) == Digest.of(b"noria blocks 1" + b"".join(blocks))


def test_a_large_parquet_file_that_was_collected_under_its_plain_digest_is_not_collected_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench = Bench(tmp_path, Lifecycle("loans", collect="inbox/*", label="paid"))
    file = bench.inbox / "1.parquet"
    pl.DataFrame({"age": [1, 2], "paid": ["yes", "no"]}).write_parquet(file)
    first = bench.do("collect").facts
    monkeypatch.setattr(marks, "LARGE", 1)
    os.utime(file, (0, 0))  # so that it is read again
    bench.turn()
    assert bench.do("collect").facts["batches"] == first["batches"]


def test_a_large_parquet_file_is_known_by_its_blocks_and_collected_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(marks, "LARGE", 1)
    bench = Bench(tmp_path, Lifecycle("loans", collect="inbox/*", label="paid"))
    rows = pl.DataFrame({"age": [1, 2], "paid": ["yes", "no"]})
    rows.write_parquet(bench.inbox / "1.parquet")
    rows.write_parquet(bench.inbox / "again.parquet")
    text = bench.arrive("2.csv", rows.with_columns(pl.col("age") + 1))
    assert len(bench.do("collect").facts["batches"]) == 2
    found = marks.digests(bench.attempt("collect"), [bench.inbox / "1.parquet", text])
    assert found[text][0] == Digest.of_file(text).hex
    assert found[bench.inbox / "1.parquet"][0] == Digest.of_blocks(bench.inbox / "1.parquet").hex
