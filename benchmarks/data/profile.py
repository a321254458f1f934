"""All statistics of a file in one pass, held against reading it; and of ten times as many rows, with the memory."""

import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import polars as pl

from benchmarks.data import reference
from benchmarks.measure import Line, Peer, Target, in_turns, timed
from benchmarks.processes import environment, seconds
from noria.data.profile import profile

ROWS = 1_000_000
TIMES = 10
TARGET_S, LARGE_TARGET_S, LARGE_TARGET_MB = 0.8, 8.0, 1000.0
REPETITIONS = 3  # of the large one
PROGRAM = """
import sys, time
import polars as pl
from benchmarks.data.reference import SCHEMA
from noria.data.profile import profile
began = time.perf_counter()
assert profile(pl.scan_parquet(sys.argv[2:]), SCHEMA).rows
took = time.perf_counter() - began
# Not ru_maxrss: that is also what the process had which started this one.
most = next(line for line in open("/proc/self/status") if line.startswith("VmHWM"))
open(sys.argv[1], "w").write(f"{took} {int(most.split()[1]) * 1024 / 1e6}")
"""


def lines() -> list[Line]:
    with reference.files(ROWS) as [path]:
        small = in_turns(
            {
                "noria": lambda: timed(lambda: profile(pl.scan_parquet(path), reference.SCHEMA)),
                "read": lambda: timed(lambda: pl.scan_parquet(path).collect(engine="streaming")),
            }
        )
    with reference.files(ROWS, TIMES) as paths:
        large = [_large(paths) for _ in range(REPETITIONS)]
    read = Peer(f"Polars {pl.__version__}, reading alone (the limit)", small["read"])
    return [
        Line(f"profile, 1M × {reference.COLUMNS} from Parquet", "s", small["noria"], [read], Target(TARGET_S)),
        Line("profile, 10M rows", "s", [took for took, _ in large], target=Target(LARGE_TARGET_S)),
        Line("profile, 10M rows, most memory", "MB", [mb for _, mb in large], target=Target(LARGE_TARGET_MB)),
    ]


def _large(paths: Sequence[Path]) -> tuple[float, float]:
    """Seconds and memory of a process of its own."""
    with tempfile.TemporaryDirectory() as folder:
        said = Path(folder) / "said"
        root = Path(__file__).resolve().parents[2]
        env = {**environment(Path(folder)), "PYTHONPATH": str(root)}
        seconds([sys.executable, "-c", PROGRAM, str(said), *map(str, paths)], root, env)
        took, mb = said.read_text().split()
        return float(took), float(mb)
