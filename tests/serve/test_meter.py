"""What a server counts: cheaply where requests are answered, and of all its processes together."""

import os
import subprocess
import sys
import threading
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client.parser import text_string_to_metric_families

from noria.serve import meter, metrics
from noria.serve.meter import BOUNDS, Histogram, Meter, Totals

OF = ("loans", "3", "champion", "rest")


def values(text: bytes) -> dict[frozenset[str], float]:
    """Every sample by its name and its labels' values."""
    families = text_string_to_metric_families(text.decode())
    return {frozenset([s.name, *s.labels.values()]): s.value for family in families for s in family.samples}


def at(*names: str) -> frozenset[str]:
    return frozenset(names)


@given(st.lists(st.floats(0, 20), max_size=30), st.lists(st.floats(0, 20), max_size=30))
def test_histograms_merge_to_that_of_all_values(a: list[float], b: list[float]) -> None:
    parts = [Histogram.empty(BOUNDS) for _ in range(3)]
    for part, seconds in zip(parts, (a, b, a + b), strict=True):
        part.add(seconds, BOUNDS)
    parts[0].merge(parts[1])
    assert parts[0].counts == parts[2].counts
    assert abs(parts[0].total - parts[2].total) < 1e-6
    assert sum(parts[2].counts) == len(a) + len(b)


def test_a_value_at_a_bound_is_within_it(tmp_path: Path) -> None:
    one = Histogram.empty(BOUNDS)
    one.add([BOUNDS[0], BOUNDS[-1], BOUNDS[-1] + 1], BOUNDS)
    assert (one.counts[0], one.counts[-2], one.counts[-1]) == (1, 1, 1)


def test_what_several_threads_note_while_it_is_added_up_is_all_there(tmp_path: Path) -> None:
    mine = Meter(tmp_path)
    note = mine.line(OF).took.append

    def answer() -> None:
        for _ in range(20_000):
            note(0.001)

    threads = [threading.Thread(target=answer) for _ in range(4)]
    for thread in threads:
        thread.start()
    while any(thread.is_alive() for thread in threads):
        mine.add_up()
    assert sum(mine.add_up().answered[OF].seconds.counts) == 80_000
    assert mine.totals.answered[OF].rows == 80_000


def test_the_processes_of_a_server_add_up_also_when_one_has_died(tmp_path: Path) -> None:
    mine = Meter(tmp_path / "meters")
    mine.answer(OF, 0.002, rows=5)
    mine.refuse("rest", "loans", "400")
    mine.told("loans", 2)
    mine.batch("loans", "3", 17)
    mine.totals.captured, mine.totals.shed, mine.totals.waiting = 5, 1, {("loans", "3"): 4}
    mine.keep()
    gone = tmp_path / "meters" / f"{os.getpid() + 1}{meter.SUFFIX}"
    gone.write_bytes(msgspec.msgpack.encode(mine.add_up()))
    found = values(metrics.text(mine, tmp_path / "spool", {}))
    assert found[at("noria_request_seconds_count", *OF)] == 2
    assert found[at("noria_request_seconds_bucket", *OF, "0.0025")] == 2
    assert found[at("noria_request_seconds_bucket", *OF, "0.001")] == 0
    assert found[at("noria_rows_total", *OF)] == 10
    assert found[at("noria_requests_refused_total", "rest", "loans", "400")] == 2
    assert found[at("noria_queue_rows", "loans", "3")] == 8
    assert found[at("noria_batch_rows_bucket", "loans", "3", "32.0")] == 2
    assert (
        found[at("noria_feedback_total", "loans")],
        found[at("noria_captured_total")],
        found[at("noria_shed_total")],
    ) == (
        4,
        10,
        2,
    )


def test_a_server_begins_with_no_counts_and_takes_those_of_dead_ones_away(tmp_path: Path) -> None:
    other = subprocess.run(
        [sys.executable, "-c", f"from pathlib import Path; from noria.serve import meter; "
         f"mine = meter.Meter(meter.clear(Path({str(tmp_path)!r}))); mine.told('loans', 1); mine.keep()"], check=True,
    )  # fmt: skip
    assert (other.returncode, len(list(tmp_path.glob("*/*")))) == (0, 1)
    folder = meter.clear(tmp_path)
    assert list(tmp_path.iterdir()) == []
    assert Meter(folder).together() == Totals()


def test_counts_are_told_by_their_own_process_also_when_the_disk_takes_none(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no folder")
    mine = Meter(tmp_path / "file" / "meters")
    mine.refuse("rest", "", "404")
    with pytest.raises(NotADirectoryError):
        mine.keep()
    assert mine.together().refused == {("rest", "", "404"): 1}


def test_what_waits_in_the_spool_is_told_with_its_age(tmp_path: Path) -> None:
    (tmp_path / "a.seg").write_bytes(b"12345")
    os.utime(tmp_path / "a.seg", (1, 1))
    found = values(metrics.text(Meter(), tmp_path, {}))
    assert found[at("noria_spool_bytes")] == 5
    assert found[at("noria_capture_lag_seconds")] > 1e9
    assert values(metrics.text(Meter(), tmp_path / "none", {}))[at("noria_capture_lag_seconds")] < 60
