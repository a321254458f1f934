"""The same trials by one worker and by two, each trial on one thread."""

from pathlib import Path

from benchmarks.learning import features
from benchmarks.measure import Line, Peer, Target, in_turns
from benchmarks.processes import environment, seconds

ROWS, COLUMNS, TRIALS, REPETITIONS = 300_000, 18, 30, 3  # as many trials as a search has by default
LEAST = 1.8
ROOT = Path(__file__).resolve().parents[2]


def lines() -> list[Line]:
    with features.folder(ROWS, COLUMNS) as where:
        found = in_turns(
            {str(workers): lambda workers=workers: _rate(where, workers) for workers in (2, 1)}, REPETITIONS, warm=0
        )
    return [
        Line(
            f"tuning, {TRIALS} trials of LightGBM on {ROWS:,} × {COLUMNS}, 2 workers",
            "trials/s",
            found["2"],
            [Peer("noria, 1 worker", found["1"])],
            Target(LEAST, most=False, of_ratio=True),
        )
    ]


def _rate(where: Path, workers: int) -> float:
    env = {**environment(where), "PYTHONPATH": str(ROOT)}
    seconds(features.command(where, workers, TRIALS, "boosting"), ROOT, env)
    return TRIALS / float((where / "took").read_text())
