"""A profile takes as much memory as a piece of the rows does, however many there are."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import polars as pl

ROWS, FEW, MANY = 250_000, 4, 16
PROGRAM = """
import sys
import polars as pl
from noria.data.profile import profile
from noria.data.schema import Schema

assert profile(pl.scan_parquet(sys.argv[1]), Schema(label="label", protected=["sex"])).rows == int(sys.argv[2])
print(int(next(line for line in open("/proc/self/status") if line.startswith("VmHWM")).split()[1]) * 1024)
"""


def peak(path: Path, rows: int) -> int:
    """Bytes that a process of its own needs at most to profile a file."""
    command = [sys.executable, "-c", PROGRAM, str(path), str(rows)]
    return int(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def test_four_times_the_rows_take_hardly_more_memory(tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    rows = pl.DataFrame(
        {
            **{f"x{n}": random.normal(size=ROWS) for n in range(6)},
            "whole": random.integers(0, 10**9, ROWS),
            "text": pl.Series(random.integers(0, 10**15, ROWS)).cast(pl.String) + " a text of some length",
            "sex": random.choice(["f", "m"], ROWS),
            "label": random.choice(["no", "yes"], ROWS),
        }
    )
    peaks = []
    for times in (FEW, MANY):
        pl.concat([rows.lazy()] * times).sink_parquet(tmp_path / "rows.parquet", row_group_size=ROWS // 10)
        peaks.append(peak(tmp_path / "rows.parquet", ROWS * times))
    assert peaks[1] - peaks[0] < (MANY - FEW) * rows.estimated_size() / 6
