"""The preprocess step on a million rows, held against the same scikit-learn transformer called by hand."""

import sys
from pathlib import Path

from benchmarks.learning.steps import prepared
from benchmarks.measure import Line, Peer, Target, in_turns
from benchmarks.processes import environment, seconds

ROWS, COLUMNS, REPETITIONS, MOST = 1_000_000, 18, 3, 1.5
ROOT = Path(__file__).resolve().parents[2]


def lines() -> list[Line]:
    with prepared(ROWS) as folder:
        env = {**environment(folder), "PYTHONPATH": str(ROOT)}

        def took(how: str) -> float:
            seconds([sys.executable, "-m", "benchmarks.learning.steps", str(folder), how], ROOT, env)
            return float((folder / "took").read_text())

        found = in_turns({how: lambda how=how: took(how) for how in ("noria", "by hand")}, REPETITIONS, warm=0)
    return [
        Line(
            f"preprocessing, {ROWS:,} × {COLUMNS}",
            "s",
            found["noria"],
            [Peer("scikit-learn by hand, same files read and written", found["by hand"])],
            Target(MOST, of_ratio=True),
        )
    ]
