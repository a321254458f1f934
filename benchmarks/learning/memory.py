"""What four workers hold that learn from one mapped copy of the features, and what one holds."""

from pathlib import Path

from benchmarks.learning import features
from benchmarks.measure import Line, Peer, Target
from benchmarks.processes import Peak, environment, running

ROWS, COLUMNS, TRIALS = 3_000_000, 128, 4  # 1.5 GB; libraries are shared by workers that are forked from one template
WORKERS, MOST = 4, 1.3
ROOT = Path(__file__).resolve().parents[2]


def lines() -> list[Line]:
    with features.folder(ROWS, COLUMNS) as where:
        many, one = (_peak(where, workers) for workers in (WORKERS, 1))
    size = ROWS * COLUMNS * 4 / 1e9
    return [
        Line(
            f"memory of {WORKERS} workers, a linear model on {size:.1f} GB",
            "MB",
            [many],
            [Peer("noria, 1 worker", [one])],
            Target(MOST, of_ratio=True),
        )
    ]


def _peak(where: Path, workers: int) -> float:
    """The most that all processes of a search hold, each page once, shared ones in parts."""
    env = {**environment(where), "PYTHONPATH": str(ROOT)}
    command = features.command(where, workers, TRIALS, "linear")
    with running(command, ROOT, env, where / "log") as process, Peak(process.pid) as peak:
        process.wait()
    return peak.mb
