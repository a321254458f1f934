"""A program that collects content after content, and is killed at random points until it died often enough.

    python dying.py FEED FOLDER URL SEED DEATHS

Each collect runs in a child of its own, which kills itself with SIGKILL at an event chosen at random: a file opened,
renamed or removed, a commit of the store or of the table about to happen or just done. Some are ended by the clock,
wherever they are. After each death another child finds out whether store, table and readers agree. Prints where the
deaths were, and how many contents there are now, as JSON.
"""

import json
import os
import random
import signal
import sys
from collections.abc import Callable
from contextlib import contextmanager
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent.parent))

import noria.collect.step
import noria.data.table
import noria.store.migrations.upgrade
from collect.feeds import FEEDS, Feed
from contracts.source import held
from noria.store.engine import Store

SEEN = {"open", "os.rename", "os.mkdir", "os.remove"}
CLOCK = 0.3  # share of deaths by the clock
LONG_S = 0.15


class Death:
    """Sends SIGKILL to this process at the ``at``-th event, having said where."""

    def __init__(self, at: int, report: int) -> None:
        self.at, self.report, self.count = at, report, 0

    def event(self, name: str) -> None:
        self.count += 1
        if self.count == self.at:
            os.write(self.report, name.encode())
            os.kill(os.getpid(), signal.SIGKILL)

    def hook(self, home: Path) -> None:
        """Make every effect on the outside an event."""

        def audited(name: str, arguments: tuple[Any, ...]) -> None:
            if name in SEEN and arguments and str(arguments[0]).startswith(str(home)):
                self.event(f"{name} {Path(str(arguments[0])).suffix}")

        sys.addaudithook(audited)
        begin, commit = Store.begin, noria.data.table._commit

        @contextmanager
        def begin_and_tell(store: Store) -> Any:
            with begin(store) as connection:
                yield connection
                self.event("before a commit")
            self.event("after a commit")

        def commit_and_tell(*arguments: Any) -> None:
            self.event("before a Delta commit")
            commit(*arguments)
            self.event("after a Delta commit")

        Store.begin = begin_and_tell  # type: ignore[method-assign,assignment]
        noria.data.table._commit = commit_and_tell


def child(work: Callable[[int], None]) -> tuple[bool, str]:
    """Do something in a process of its own; whether it came through, and what it wrote."""
    reader, writer = os.pipe()
    process = os.fork()
    if process == 0:
        try:
            work(writer)
            os._exit(0)
        except BaseException as error:
            print(f"{type(error).__name__}: {error}", file=sys.stderr, flush=True)
            os._exit(1)
    os.close(writer)
    _, status = os.waitpid(process, 0)
    with os.fdopen(reader) as pipe:
        text = pipe.read()
    if os.WIFEXITED(status) and os.WEXITSTATUS(status):
        raise SystemExit("a child failed that nobody had killed")
    return os.WIFEXITED(status), text


def collect(feed: Feed, at: int, after_s: float) -> tuple[bool, str]:
    """One collect that dies at an event, or after some time; 0: it does not."""

    def work(writer: int) -> None:
        bench = feed.bench()
        death = Death(at, writer)
        death.hook(feed.folder)
        signal.setitimer(signal.ITIMER_REAL, after_s)  # nobody handles the alarm: it ends the process at once
        bench.do("collect")
        os.write(writer, str(death.count).encode())

    return child(work)


def main(feed: Feed, seed: int, deaths: int) -> dict[str, Any]:
    choose, died, number, events = random.Random(seed), list[str](), 0, 20
    while len(died) < deaths:
        child(lambda _, n=number: feed.bring(n))
        through = False
        while not through:
            by_clock = choose.random() < CLOCK
            at, after_s = (0, choose.uniform(0.001, LONG_S)) if by_clock else (choose.randint(1, events), 0.0)
            through, told = collect(feed, at, after_s)
            if through:
                events = int(told)
            else:
                died.append("by the clock" if by_clock else told)
            _, now = child(lambda writer: os.write(writer, str(len(held(feed, newest_only=True))).encode()) and None)
            assert int(now) in ((number + 1,) if through else (number, number + 1)), (now, number, died[-1:])
        number += 1
    return {"deaths": died, "contents": number}


if __name__ == "__main__":
    given = FEEDS[sys.argv[1]](Path(sys.argv[2]), sys.argv[3])
    print(json.dumps(main(given, int(sys.argv[4]), int(sys.argv[5]))))
