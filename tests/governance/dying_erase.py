"""A program that erases somebody in copies of a project, killed at random moments until it is through.

Each try runs in a child process of its own, which kills itself with SIGKILL at an event chosen at random, or is killed
by the clock. Prints where, as JSON.

    python dying_erase.py SEED DEATHS KEY PROJECT COPIES
"""

import json
import random
import shutil
import sys
from importlib import import_module
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

import faults
from noria import settings
from noria.governance.erase import Request, erase_subject
from noria.run.place import open_place
from noria.serve.emptied import carry

SLOW_TO_LOAD = ["noria.data.erase", "noria.governance.gone", "pyarrow.parquet", "alembic", "sqlalchemy.dialects.sqlite"]
LONGEST_S = 0.8
MOST = 12  # deaths in one copy


def attempt(folder: Path, key: str, at: int, kill_after: float) -> tuple[bool, str]:
    """One try; whether it came through, and what it wrote: its number of events, or where it died."""

    found = settings.load(folder, environ={"NORIA_ACTOR": "tester"})

    def work() -> None:
        place = open_place(found)
        erase_subject(place, Request(key, None, "retrain", "tester", "asked for it"), lambda: carry(place.settings))

    return faults.dies_at(found.home, at, work, kill_after)


def main(seed: int, wanted: int, key: str, project: Path, copies: Path) -> list[str]:
    """Erase in one copy undisturbed, then in others until enough children died; where they did."""
    for name in SLOW_TO_LOAD:
        import_module(name)
    choose = random.Random(seed)
    through, events = attempt(copied(project, copies / "calm"), key, 0, 0.0)
    assert through
    deaths: list[str] = []
    while len(deaths) < wanted:
        folder = copied(project, copies / f"after-{len(deaths)}")
        for number in range(MOST):
            by_clock = number % 5 == 4
            at = 0 if by_clock else choose.randint(1, 1 + int(events) // choose.randint(1, 4))  # what is left gets less
            through, where = attempt(folder, key, at, choose.uniform(0.02, LONGEST_S) if by_clock else 0.0)
            if through:
                break
            deaths.append(where or "by the clock")
        through, where = attempt(folder, key, 0, 0.0)
        assert through, where
    return deaths


def copied(project: Path, folder: Path) -> Path:
    shutil.copytree(project, folder)
    return folder


if __name__ == "__main__":
    seed, wanted, key, project, copies = sys.argv[1:]
    print(json.dumps(main(int(seed), int(wanted), key, Path(project), Path(copies))))
