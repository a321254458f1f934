"""Turns of the wheel that are started from a page: processes of their own, which go on when the pages end.

A lock on a file is held by the process that turns, as long as it lives: whoever presses the button meanwhile is told.
"""

import fcntl
import json
import os
import subprocess
import sys
import threading
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path

from noria.errors import NotFound, Overtaken, UserError
from noria.run.local import file_of
from noria.run.place import Place
from noria.store import runs

TAIL = 4_000  # bytes of what a turn printed
LISTED = 20


@dataclass(frozen=True, slots=True)
class Wish:
    """A turn that a person wants. ``newest``: the number of the newest run that they had seen."""

    lifecycle: str
    newest: int
    actor: str
    remedy: str = ""
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Started:
    """A turn that was started from a page. ``run``: the id it will have, if nobody else runs the same meanwhile."""

    run: str
    lifecycle: str
    actor: str
    words: list[str]
    pid: int
    at: str


class Turns:
    """Starts ``noria run`` and remembers what it printed."""

    def __init__(self, place: Place) -> None:
        self._place = place
        self.folder = place.settings.home / "ui"

    def start(self, wish: Wish, run: str) -> Started:
        """Start a turn; the process is at work when this returns.

        Raises
        ------
        NotFound
            If the lifecycle's file is not on this machine.
        Overtaken
            If another run began since the person looked, or one that was started here is at work.
        """
        file = file_of(self._place, wish.lifecycle)
        if file is None:
            raise NotFound(
                f"the file of lifecycle {wish.lifecycle} is not on this machine",
                where="pages",
                do="Run it once where the file is: noria run FILE.",
            )
        self.folder.mkdir(parents=True, exist_ok=True)
        with (self.folder / f"{wish.lifecycle}.lock").open("a+") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise self._busy(wish.lifecycle) from None
            self._must_be_newest(wish)
            return self._begin(wish, run, file, lock.fileno())

    def _begin(self, wish: Wish, run: str, file: Path, lock: int) -> Started:
        words = ["run", str(file)]
        words += ["--remedy", wish.remedy, "--reason", wish.reason] if wish.remedy else []
        settings = self._place.settings
        environ = {**os.environ, "NORIA_ACTOR": wish.actor, "COLUMNS": "160"}
        for name in ("home", "db", "artifacts", "data", "spool", "secret"):
            environ[f"NORIA_{name.upper()}"] = str(getattr(settings, name))
        with (self.folder / f"{run}.log").open("wb") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", "noria.cli.main", *words],
                cwd=file.parent, env=environ, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                start_new_session=True, pass_fds=[lock],
            )  # fmt: skip
        threading.Thread(target=process.wait, daemon=True, name="reap").start()
        made = Started(run, wish.lifecycle, wish.actor, words[:1] + words[2:], process.pid, _now(self._place))
        (self.folder / f"{run}.json").write_text(json.dumps(asdict(made)))
        return made

    def of(self, run: str) -> Started | None:
        """What was started under a run's id, if it was from here."""
        file = self.folder / f"{run}.json"
        if "/" in run or not file.is_file():
            return None
        return Started(**json.loads(file.read_text()))

    def printed(self, run: str) -> str:
        """The last of what a turn printed; empty if it was not started from here."""
        file = self.folder / f"{run}.log"
        if "/" in run or not file.is_file():
            return ""
        with file.open("rb") as log:
            log.seek(max(0, file.stat().st_size - TAIL))
            return log.read().decode(errors="replace")

    def busy(self, lifecycle: str) -> bool:
        """Whether a turn that was started from a page is at work."""
        file = self.folder / f"{lifecycle}.lock"
        if "/" in lifecycle or not file.is_file():
            return False
        with file.open("a+") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                return True
        return False

    def mark(self) -> int:
        """Another number whenever a turn printed something."""
        return max((file.stat().st_mtime_ns for file in self.folder.glob("*.log")), default=0)

    def _must_be_newest(self, wish: Wish) -> None:
        with self._place.store.read() as c:
            newest = runs.newest(c, wish.lifecycle)
        if newest and newest[0].number != wish.newest:
            raise Overtaken(
                f"while you looked, run {newest[0].id} began", where="pages", do="Nothing was started; look at it."
            )

    def _busy(self, lifecycle: str) -> UserError:
        files = sorted(self.folder.glob(f"{lifecycle}-*.json"), key=lambda file: file.stat().st_mtime)
        who = Started(**json.loads(files[-1].read_text())).actor if files else "somebody"
        return Overtaken(
            f"{who} started a turn of {lifecycle} already", where="pages", do="Nothing was started; watch it."
        )


def _now(place: Place) -> str:
    now: datetime = place.clock.now()
    return now.isoformat()
