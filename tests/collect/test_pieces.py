"""A text file that is read piece by piece holds the same rows as one that is read whole, in bounded memory."""

import csv
import gzip
import io
import json
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import polars as pl
import pyarrow as pa
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from noria.collect import blocks, files
from noria.collect.config import Files
from noria.errors import BadInput

VALUES = {
    "whole": st.integers(-(10**6), 10**6).map(str),
    "number": st.floats(-1e6, 1e6).map(str),
    "late": st.sampled_from(["1", "2", "3", "4.5"]),
    "day": st.dates().map(str),
    "time": st.sampled_from(["2026-01-01T10:00:00", "2026-03-01 11:30:00"]),
    "zoned": st.sampled_from(["2026-01-01T10:00:00Z", "2026-01-01T10:00:00+02:00"]),
    "truth": st.sampled_from(["true", "false"]),
    "code": st.sampled_from(["007", "12", "x1"]),
    "word": st.sampled_from(["1", "2", "n/a", "?"]),
    "text": st.text(alphabet='ab ,;"\n\r€', max_size=8),
}


@st.composite
def tables(draw: st.DrawFn) -> str:
    """A CSV file of columns of all kinds, with missing values and empty lines."""
    kinds = draw(st.lists(st.sampled_from(sorted(VALUES)), min_size=1, max_size=4, unique=True))
    row = st.tuples(*(st.one_of(VALUES[kind], st.just("")) if draw(st.booleans()) else VALUES[kind] for kind in kinds))
    target = io.StringIO()
    writer = csv.writer(target, lineterminator=draw(st.sampled_from(["\n", "\r\n"])))
    writer.writerow(kinds)
    for values in draw(st.lists(row, min_size=1, max_size=40)):
        writer.writerow(values)
    return target.getvalue()


@given(content=tables(), size=st.integers(8, 300))
@example(content="a,b\n1,2\n3\n", size=8)
@example(content="a,b\n1,2\n3,4,5\n", size=8)
@example(content="a\n" + "1\n" * 200 + "forty\n", size=50)
@example(content="at\n" + "2026-01-01T00:00:00\n" * 3 + "2026-01-01T00:00:00+02:00\n", size=30)
def test_in_pieces_of_any_size_a_csv_file_has_the_same_rows(content: str, size: int) -> None:
    with TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        path = Path(folder) / "x.csv"
        path.write_bytes(content.encode())
        patch.setattr(blocks, "SIZE", size)
        assert_same(outcome(lambda: files.read(path, Files("*"))), outcome(lambda: streamed(path)))


def streamed(path: Path, start: int = 0) -> pl.DataFrame:
    whole = files.streamed(path, Files("*"), path.with_name("work"), lambda frame: frame, start)
    return pl.read_parquet(whole)


def outcome(work: Any) -> pl.DataFrame | str:
    try:
        found: pl.DataFrame = work()
    except BadInput as error:
        return error.what
    return found


def assert_same(one: pl.DataFrame | str, other: pl.DataFrame | str) -> None:
    if isinstance(one, pl.DataFrame) and isinstance(other, pl.DataFrame):
        assert_frame_equal(one, other)
    else:
        assert one == other


GOOD = "who,age,paid\n" + "".join(f"{n},{n % 80},yes\n" for n in range(200))


@pytest.mark.parametrize("packed", ["", ".gz", ".zst"])
@pytest.mark.parametrize("kind", ["csv", "jsonl"])
def test_compressed_or_not_the_rows_are_the_same(tmp_path: Path, kind: str, packed: str) -> None:
    frame = pl.read_csv(io.StringIO(GOOD))
    content = GOOD.encode() if kind == "csv" else frame.write_ndjson().encode()
    path = tmp_path / f"x.{kind}{packed}"
    path.write_bytes(pack(content, packed))
    assert_frame_equal(streamed(path), frame)
    (tmp_path / f"cut.{kind}{packed}").write_bytes(pack(content, packed)[:-30] if packed else content[:-3] + b'\n"')
    with pytest.raises(BadInput, match=r"cut\.\w+(\.\w+)? cannot be collected"):
        files.streamed(tmp_path / f"cut.{kind}{packed}", Files("*"), tmp_path / "other", lambda frame: frame)


def pack(content: bytes, packed: str) -> bytes:
    if packed == ".gz":
        return gzip.compress(content, mtime=0)
    return bytes(pa.compress(content, codec="zstd", asbytes=True)) if packed else content


def test_json_lines_whose_columns_and_types_show_late(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(blocks, "SIZE", 20)
    rows = [{"a": 1}, {"a": None, "b": "x"}, {"a": 2.5}, {"b": "y"}, {"a": 3, "c": True}]
    path = tmp_path / "x.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    assert_frame_equal(streamed(path), pl.DataFrame(rows, schema=["a", "b", "c"]), check_column_order=False)


@pytest.mark.parametrize("name", ["x.csv", "x.csv.zst", "x.jsonl.zst"])
def test_a_value_of_a_gigabyte_is_refused_with_the_limit_before_it_is_in_memory(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    begin = b"who,paid\n" if "csv" in name else b'{"who": "'
    if name == "x.csv":
        path.write_bytes(begin)
        with path.open("r+b") as file:
            file.truncate(1 << 30)
    else:
        with pa.CompressedOutputStream(str(path), "zstd") as target:
            target.write(begin)
            for _ in range(1 << 8):
                target.write(b"x" * (1 << 22))
    with pytest.raises(BadInput, match=r"a record of more than \d+ MB; the limit is 17 MB"):
        streamed(path)


PROGRAM = """
import sys
from pathlib import Path
sys.path.insert(0, sys.argv[1])
from data.steps import Bench
from noria.collect import files
from noria.lifecycle import Lifecycle
def peak():
    status = Path("/proc/self/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0]) << 10
files.LARGE = 1
bench = Bench(Path(sys.argv[2]), Lifecycle("loans", collect="inbox/*", label="paid"))
bench.arrive("0.csv", "who,age,paid\\na,1,yes\\n")
assert bench.do("collect").facts["rows"] == 1
Path(sys.argv[3]).rename(bench.inbox / Path(sys.argv[3]).name)
before = peak()
print(bench.do("collect").facts["rows"], peak() - before)
"""
BYTES = 300_000_000


@pytest.mark.system
@pytest.mark.parametrize("name", ["big.csv", "big.jsonl.zst", "big.parquet"])
def test_a_file_that_is_larger_than_the_memory_it_takes(tmp_path: Path, name: str) -> None:
    made = tmp_path / name
    count = write(made)
    command = [sys.executable, "-c", PROGRAM, str(Path(__file__).parent.parent), str(tmp_path), str(made)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=240)
    assert done.returncode == 0, done.stderr
    rows, memory = map(int, done.stdout.split())
    print(f"{BYTES / 1e6:.0f} MB took {memory / 1e6:.0f} MB of memory")
    assert rows == count + 1
    assert memory < BYTES


def write(path: Path) -> int:
    """A file of some 300 MB of content; how many rows it has."""
    letters = "x" * 150
    if path.suffix == ".parquet":  # in types that the table does not have
        count = BYTES // 160
        rows = pl.LazyFrame({"n": range(count)}).select(
            who=pl.col("n").cast(pl.String) + letters, age=pl.lit(1, pl.UInt8), paid=pl.lit("yes", pl.Categorical)
        )
        rows.sink_parquet(path, row_group_size=1 << 16)
        return count
    row = {"who": letters, "age": 1, "paid": "yes"}
    line = f"{letters},1,yes\n" if ".csv" in path.name else json.dumps(row) + "\n"
    lines = (1 << 20) // len(line)
    block, count = (line * lines).encode(), BYTES // (len(line) * lines)
    with pa.CompressedOutputStream(str(path), "zstd") if path.suffix == ".zst" else path.open("wb") as target:
        if ".csv" in path.name:
            target.write(b"who,age,paid\n")
        for _ in range(count):
            target.write(block)
    return count * lines
