"""A program that collects content after content, and is killed at random points until it died often enough.

    python dying.py FEED FOLDER URL SEED DEATHS

Each collect runs in a child of its own, which kills itself with SIGKILL at an effect chosen at random; some are ended
by the clock, wherever they are; some have another collector beside them, which lives. After each death another child
finds out whether store, table and readers agree. Prints where the deaths were, how many contents there are, and how
many of the dead had another beside them, as JSON.
"""

import json
import os
import random
import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent.parent))

import faults
import noria.collect.step
import noria.data.table
import noria.store.migrations.upgrade  # noqa: F401  loaded before the fork, not in every child
from collect.feeds import FEEDS, Feed
from contracts.source import collected, held

CLOCK, RIVAL = 0.3, 0.15  # shares of deaths by the clock, and of deaths beside another collector
LONG_S = 0.15


class Death:
    """Ends this process at the ``at``-th effect; 0: it does not."""

    def __init__(self, at: int, report: int) -> None:
        self.at, self.report, self.places = at, report, list[str]()

    def event(self, name: str) -> None:
        self.places.append(f"{name.partition(' ')[0]} {Path(name).suffix}" if "/" in name else name)
        if len(self.places) == self.at:
            faults.die(self.report, self.places[-1])


def collect(feed: Feed, at: int, after_s: float, *, beside: bool) -> tuple[bool, str]:
    """One collect that dies at an effect, or after some time; beside it perhaps one that lives."""

    def work(writer: int) -> None:
        bench = feed.bench()
        death = Death(at, writer)
        faults.tell(feed.folder, death.event)
        collected(bench)
        os.write(writer, json.dumps(death.places).encode())

    dying = faults.begun(work, after_s)
    if beside:
        faults.child(lambda _: collected(feed.bench()))
    return faults.ended(*dying)


def point(choose: random.Random, places: list[str]) -> int:
    """One of the effects of a collect, by its number: each kind is as likely as any other, however often it occurs."""
    kind = choose.choice(sorted(set(places)))
    return choose.choice([n for n, place in enumerate(places, 1) if place == kind])


def main(feed: Feed, seed: int, deaths: int) -> dict[str, Any]:
    choose, died, number, rivals = random.Random(seed), list[str](), 0, 0
    places = ["before it is known where"] * 20
    while len(died) < deaths:
        faults.child(lambda _, n=number: feed.bring(n))
        there = False
        while not there:
            by_clock, beside = choose.random() < CLOCK, choose.random() < RIVAL
            at, after_s = (0, choose.uniform(0.001, LONG_S)) if by_clock else (point(choose, places), 0.0)
            through, told = collect(feed, at, after_s, beside=beside)
            if not through:
                died.append("by the clock" if by_clock else told)
            elif not beside:
                places = json.loads(told)
            _, now = faults.child(
                lambda writer: os.write(writer, str(len(held(feed, newest_only=True))).encode()) and None
            )
            there, rivals = through or beside, rivals + beside
            assert int(now) in ((number + 1,) if there else (number, number + 1)), (now, number, died[-1:])
        number += 1
    return {"deaths": died, "contents": number, "rivals": rivals}


if __name__ == "__main__":
    given = FEEDS[sys.argv[1]](Path(sys.argv[2]), sys.argv[3])
    print(json.dumps(main(given, int(sys.argv[4]), int(sys.argv[5]))))
