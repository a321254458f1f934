"""noria --help, held against the interpreter's own start."""

import sys

from benchmarks.measure import Line, Peer, Target, in_turns
from benchmarks.processes import NORIA, seconds
from benchmarks.project import workplace

TARGET_S = 0.15
REPETITIONS = 21  # it is quick


def lines() -> list[Line]:
    with workplace("help") as (folder, env):
        took = in_turns(
            {
                "noria": lambda: seconds([NORIA, "--help"], folder, env),
                "python": lambda: seconds([sys.executable, "-c", "pass"], folder, env),
            },
            REPETITIONS,
            warm=2,
        )
    bare = Peer("python -c pass (the limit)", took["python"])
    return [Line("noria --help", samples=took["noria"], peers=[bare], target=Target(TARGET_S))]
