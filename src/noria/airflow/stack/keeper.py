"""The one process that starts, watches, restarts and ends a stack's parts.

    python -m noria.airflow.stack.keeper ROOT

Killed itself, its parts go on; the next one takes them over by what is recorded in ``state.json``.
"""

import fcntl
import os
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from types import FrameType

from noria.airflow.stack import config, processes, servers
from noria.airflow.stack.choice import Folder, Stack, load, read, write
from noria.airflow.stack.part import Part
from noria.airflow.stack.ports import must_be_free
from noria.airflow.stack.processes import Running
from noria.errors import Failure, NoriaError

ROUND_S = 0.25
PATIENCE_S = (0, 1, 2, 4, 8, 15, 30)  # before the next restart of a part that keeps dying
SERVERS = ("postgres", "redis", "epmd", "rabbitmq")  # the others need them
AIRFLOW_S = 20  # that its parts get to end
WELL_S = 60  # a part that lived so long is well again


@dataclass(slots=True)
class Watched:
    """A part as it stands: its process, since when, whether it answered, how often it was started again."""

    part: Part
    running: Running | None = None
    since: float = 0.0
    log_from: int = 0
    ready: bool = False
    restarts: int = 0
    fails: int = 0

    @property
    def alive(self) -> bool:
        return self.running is not None and self.running.alive


class Keeper:
    """Keeps the parts of one stack running until it is told to end."""

    def __init__(self, stack: Stack) -> None:
        self.stack, self.phase, self.trouble = stack, "starting", ""
        self.watched: list[Watched] = []
        before = read(stack.folder.root / "state.json") or {}
        self.known = dict(before.get("parts", {}))  # of a keeper before this one, and not yet looked after
        self.ending = self.was_up = False

    def keep(self) -> bool:
        """Start what does not run, then look after it; ends all parts when it is told to, or if they do not start.

        False if they did not start.
        """
        signal.signal(signal.SIGTERM, self._end)
        try:
            self._watch(servers.of(self.stack))
            self._start_in_turn()
            if not self.ending:
                self.phase = "migrating"
                self._record()
                config.migrate(self.stack, config.variables(self.stack))
                self._watch(config.parts(self.stack))
                self._end_the_others()
                self.phase, self.trouble = "starting", ""
            while not self.ending:
                self._round()
                time.sleep(ROUND_S)
        except NoriaError as error:
            self.trouble = str(error)
        self._stop()
        return not self.trouble

    def _end(self, number: int, frame: FrameType | None) -> None:
        self.ending = True

    def _watch(self, parts: list[Part]) -> None:
        """Look after more parts; one that runs already, as recorded, is taken over."""
        for part in parts:
            one = Watched(part)
            before = self.known.pop(part.name, None)
            if before and Running(before["pid"], before["start"]).alive:
                one.running, one.since, one.log_from = Running(before["pid"], before["start"]), before["since"], 0
                one.ready, one.restarts = before["ready"], before["restarts"]
            elif before:
                processes.end_group(before["pid"], self.stack.folder.root)
            self.watched.append(one)

    def _end_the_others(self) -> None:
        """End what runs of an earlier choice and is no part of this one, such as a worker more."""
        processes.stop([Running(one["pid"], one["start"]) for one in self.known.values()], AIRFLOW_S)
        self.known.clear()

    def _start_in_turn(self) -> None:
        """Servers one after the other: each needs the ones before."""
        for one in list(self.watched):
            while not self.ending and not one.ready:
                self._see_to(one)
                self._record()
                time.sleep(ROUND_S)

    def _round(self) -> None:
        processes.reap()
        for one in self.watched:
            self._see_to(one)
            if not one.ready and one.part.name in SERVERS:
                break
        if all(one.ready and one.alive for one in self.watched):
            self.phase, self.trouble, self.was_up = "ready", "", True
        elif self.was_up:
            self.phase = "healing"
        self._record()

    def _see_to(self, one: Watched) -> None:
        """Start it, or ask whether it answers. What fails after the stack was up is told, and tried again."""
        try:
            self._look_at(one)
        except NoriaError as error:
            if not self.was_up:
                raise
            self.trouble, one.since, one.fails = str(error), time.time(), one.fails + 1

    def _look_at(self, one: Watched) -> None:
        if not one.alive:
            self._restart(one)
        elif not one.ready:
            if one.part.ready(one.log_from):
                one.part.after()
                one.ready = True
            elif time.time() - one.since > one.part.start_s:
                self._give_up_waiting(one)
        elif one.fails and time.time() - one.since > WELL_S:
            one.fails = 0

    def _restart(self, one: Watched) -> None:
        again = one.running is not None
        if again and one.fails and time.time() - one.since < PATIENCE_S[min(one.fails, len(PATIENCE_S) - 1)]:
            return
        if again:
            assert one.running is not None
            processes.end_group(one.running.pid, self.stack.folder.root)
            one.restarts, one.fails = one.restarts + 1, one.fails + 1
            if not self.was_up and one.fails > 3:
                raise _died(self.stack, one)
        port = PORTS.get(one.part.name)
        if port is not None:
            must_be_free(port, self.stack.ports[port])
        one.part.before()
        log = self.stack.folder.log(one.part.name)
        one.log_from = log.stat().st_size if log.exists() else 0
        environment = {"PATH": os.environ.get("PATH", "/usr/bin:/bin"), "LANG": os.environ.get("LANG", "C.UTF-8")}
        environment |= {processes.MARK: str(self.stack.folder.root), **one.part.variables}
        one.running = processes.start(
            one.part.command, log=log, environment=environment, cwd=one.part.cwd, account=dict(one.part.account)
        )
        one.since, one.ready = time.time(), False
        self._record()

    def _give_up_waiting(self, one: Watched) -> None:
        if not self.was_up:
            raise _died(self.stack, one)
        assert one.running is not None
        processes.stop([one.running], one.part.grace_s, one.part.ends_by)  # it hangs: the next round starts it again

    def _record(self) -> None:
        parts = self.known | {
            one.part.name: {
                **asdict(one.running), "since": one.since, "ready": one.ready and one.alive, "restarts": one.restarts,
            }
            for one in self.watched if one.running is not None
        }  # fmt: skip
        keeper = asdict(Running(os.getpid(), processes.start_of(os.getpid()) or ""))
        state = {"phase": self.phase, "trouble": self.trouble, "keeper": keeper, "parts": parts}
        path = self.stack.folder.root / "state.json"
        if read(path) != state:
            write(path, state)

    def _stop(self) -> None:
        """Airflow's parts together, then the servers, the last first; then whatever they left."""
        self.phase = "ending"
        self._record()
        servers_too = [one for one in self.watched if one.part.name in SERVERS]
        processes.stop([one.running for one in self.watched if one.running and one not in servers_too], AIRFLOW_S)
        for one in reversed(servers_too):
            processes.stop([one.running] if one.running else [], one.part.grace_s, one.part.ends_by)
        processes.sweep(self.stack.folder.root)
        processes.reap()
        self.phase = "failed" if self.trouble else "down"
        self._record()


PORTS = {"postgres": "postgres", "redis": "broker", "rabbitmq": "broker", "epmd": "epmd", "api-server": "api"}


def _died(stack: Stack, one: Watched) -> NoriaError:
    log = stack.folder.log(one.part.name)
    last = [line for line in log.read_text(errors="replace").splitlines() if line.strip()][-1:]
    return Failure(
        f"{one.part.name} does not start: {''.join(last)[:200]}", where=str(log), do="See the end of that log."
    )


@contextmanager
def alone(folder: Folder) -> Iterator[bool]:
    """Whether this is the stack's only keeper, for as long as the block runs."""
    with (folder.root / "keeper.lock").open("w") as held:
        try:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
            return
        yield True


def main(root: str) -> int:
    folder = Folder(Path(root))
    with alone(folder) as only:
        stack = load(folder)
        if not only or stack is None:
            return 0
        return 0 if Keeper(stack).keep() else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
