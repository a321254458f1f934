"""Segments of the spool: records with lengths and checksums, of which damage takes no more than it touches."""

import os
import subprocess
import sys
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from noria import owner
from noria.serve import segment
from noria.serve.segment import Predicted, Told, Version

TEXT = st.text(max_size=20)
SCALARS = st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.floats(allow_nan=False) | TEXT
RECORDS = st.one_of(
    st.builds(Version, st.integers(0, 9), TEXT, st.integers(0, 9), TEXT, st.none() | st.lists(SCALARS), TEXT),
    st.builds(
        Predicted,
        st.integers(0, 9), TEXT, st.floats(0, 1e10), TEXT, st.none() | TEXT, st.integers(0, 9),
        st.dictionaries(TEXT, st.lists(SCALARS, max_size=3), max_size=3), st.binary(max_size=20),
    ),
    st.builds(Told, TEXT, TEXT, st.floats(0, 1e10), st.none() | TEXT, st.none() | st.floats(allow_nan=False), TEXT),
)  # fmt: skip


def written(path: Path, frames: list[bytes]) -> Path:
    path.write_bytes(b"".join(frames))
    return path


@given(st.lists(RECORDS, max_size=8))
def test_what_was_written_is_read(tmp_path: Path, records) -> None:
    assert segment.read(written(tmp_path / "a.seg", [segment.frame(one) for one in records])) == (records, 0)


@given(st.lists(RECORDS, min_size=1, max_size=3))
@settings(max_examples=20)
def test_a_file_that_ends_at_any_byte_has_exactly_the_records_that_are_whole(tmp_path: Path, records) -> None:
    frames = [segment.frame(one) for one in records]
    data = b"".join(frames)
    ends = [len(b"".join(frames[: n + 1])) for n in range(len(frames))]
    for cut in range(len(data)):
        whole = sum(end <= cut for end in ends)
        lost = cut - (ends[whole - 1] if whole else 0)
        assert segment.read(written(tmp_path / "a.seg", [data[:cut]])) == (records[:whole], lost)


@given(st.lists(RECORDS, min_size=1, max_size=6), st.data())
def test_damage_takes_the_record_it_touches_and_no_other(tmp_path: Path, records, data) -> None:
    frames = [segment.frame(one) for one in records]
    hit = data.draw(st.integers(0, len(frames) - 1))
    kind = data.draw(st.sampled_from(["changed", "zeroed", "removed", "inserted"]))
    place = data.draw(st.integers(0, len(frames[hit]) - 1))
    old = frames[hit]
    frames[hit] = {
        "changed": old[:place] + bytes([old[place] ^ data.draw(st.integers(1, 255))]) + old[place + 1 :],
        "zeroed": bytes(len(old)),
        "removed": old[:place] + old[place + 1 :],
        "inserted": old[: place + 1] + data.draw(st.binary(min_size=1, max_size=9)) + old[place + 1 :],
    }[kind]
    found, lost = segment.read(written(tmp_path / "a.seg", frames))
    others = records[:hit] + records[hit + 1 :]
    if found != records:  # what was inserted may leave the record whole, at its end
        assert found == others
    assert lost > 0 or (found == records and frames[hit] == old)


@given(st.lists(RECORDS, max_size=3), st.integers(1, 100) | st.just(5000))
def test_zeros_at_the_end_as_a_power_failure_leaves_them_are_no_records(tmp_path: Path, records, zeros: int) -> None:
    frames = [segment.frame(one) for one in records]
    assert segment.read(written(tmp_path / "a.seg", [*frames, bytes(zeros)])) == (records, zeros)


@given(st.binary(max_size=200))
def test_bytes_of_anything_else_are_no_records(tmp_path: Path, junk: bytes) -> None:
    assert segment.read(written(tmp_path / "a.seg", [junk])) == ([], len(junk))


def test_complete_are_the_segments_of_the_dead_and_those_that_were_completed(tmp_path: Path) -> None:
    code = "import sys, pathlib; from noria.serve import segment; print(segment.new_path(pathlib.Path(sys.argv[1])))"
    said = subprocess.run([sys.executable, "-c", code, tmp_path], capture_output=True, text=True, check=True).stdout
    of_the_dead, mine, done = Path(said.strip()), segment.new_path(tmp_path), segment.new_path(tmp_path)
    for path in (of_the_dead, mine, done):
        path.write_bytes(b"")
    strangers = ["x.open", "a~b.open", "a~b~c.open", "a~1~2~3.open", "lock", "x.damaged"]
    for name in strangers:
        (tmp_path / name).write_text("not ours")
    segment.complete(done)
    assert {path.name.partition(".")[0] for path in segment.adopt(tmp_path)} >= {
        of_the_dead.name.partition("~")[0],
        done.name.partition("~")[0],
    }
    assert mine.exists()
    assert str(os.getpid()) in mine.name
    assert owner.me().rsplit("/", 2)[1] in mine.name
    assert (tmp_path / "x.open").exists()
    assert (tmp_path / "a~b~c.open").exists()
