"""A program that clears away in copies of a project, killed at random moments until it is through.

python dying_gc.py SEED DEATHS PROJECT COPIES
"""

import json
import random
import shutil
import sys
from datetime import timedelta
from importlib import import_module
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

import faults
from noria import settings
from noria.governance.gc import Policy, collect
from noria.run.place import open_place

POLICY = Policy(1, timedelta(0))
MOST = 8  # deaths in one copy


def attempt(folder: Path, at: int) -> tuple[bool, str]:
    """One try; whether it came through, and what it wrote: its number of events, or where it died."""

    found = settings.load(folder, environ={"NORIA_ACTOR": "tester"})
    return faults.dies_at(found.home, at, lambda: collect(open_place(found), POLICY, "a test"))


def main(seed: int, wanted: int, project: Path, copies: Path) -> list[str]:
    for name in ("alembic", "sqlalchemy.dialects.sqlite", "noria.data.leftover"):
        import_module(name)
    choose = random.Random(seed)
    through, events = attempt(copied(project, copies / "calm"), 0)
    assert through, events
    deaths: list[str] = []
    while len(deaths) < wanted:
        folder = copied(project, copies / f"after-{len(deaths)}")
        for _ in range(MOST):
            through, where = attempt(folder, choose.randint(1, int(events)))
            if through:
                break
            deaths.append(where)
        through, where = attempt(folder, 0)
        assert through, where
    return deaths


def copied(project: Path, folder: Path) -> Path:
    shutil.copytree(project, folder)
    return folder


if __name__ == "__main__":
    seed, wanted, project, copies = sys.argv[1:]
    print(json.dumps(main(int(seed), int(wanted), Path(project), Path(copies))))
