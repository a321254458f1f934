"""A part of the detection table that ``make bench ONLY=data`` prints in full: damages found, clean batches let pass."""

import pytest
from benchmarks.data import corruptions, detection

MISSED = "hard: a column shuffled"  # each column by itself is as it was


@pytest.mark.parametrize("name", [name for name in corruptions.DAMAGES if name != MISSED])
def test_a_damaged_batch_raises_an_alarm_that_says_what_to_do(name: str) -> None:
    alarms = detection.alarms(corruptions.damaged(name, 7))
    assert alarms
    assert all(one.column and one.what and one.do for one in alarms)


def test_a_label_shift_of_ten_points_is_not_missed_at_two_thousand_rows() -> None:
    got = detection.rates(detection.Cases.made(seeds=0, shifts=12, clean=0))
    assert got.shifts == 1


def test_clean_batches_raise_no_alarm() -> None:
    assert detection.rates(detection.Cases.made(seeds=0, shifts=0, clean=12)).false == 0
