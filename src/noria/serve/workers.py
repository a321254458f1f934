"""Worker processes, each of which is followed by another when it dies, however often that is.

granian ends the whole server, with all its workers, when one dies within 5.5 s of its start in another's place: two
kills in a row, by the kernel for want of memory say, and nobody answers any more.
"""

from time import monotonic, sleep
from typing import Any

from granian.server.mp import MPServer

YOUNG_S = 5.5  # a worker that lived so long could start
PAUSE_S, LONGEST_S = 0.5, 4.0  # before the next starts when several died young: each start costs a second of processor
STEP_S = 0.05
MOST = 5  # that may die young before any lived: then none can start, and the server ends


class Workers(MPServer):
    """granian's server process. Overrides what it does about workers that died."""

    def __init__(self, *words: Any, **named: Any) -> None:
        super().__init__(*words, **named)
        self._young = 0  # deaths in a row of workers that were
        self._lived = False

    def _respawn_workers(self, workers: list[int], spawn_target: Any, target_loader: Any, delay: float = 0) -> None:
        if delay:  # they are to be replaced, and did not die
            super()._respawn_workers(workers, spawn_target, target_loader, delay)
            return
        self._count(max(monotonic() - self.wrks[one].birth for one in workers))
        self._rest()
        if self.interrupt_signal:
            return
        super()._respawn_workers(workers, spawn_target, target_loader)
        if self._lived or self._young < MOST:
            self.respawned_wrks.clear()  # by which granian would find them too young

    def _count(self, seconds: float) -> None:
        if seconds < YOUNG_S:
            self._young += 1
        else:
            self._young, self._lived = 0, True

    def _rest(self) -> None:
        """Longer each time; not at the first death."""
        pause = 0.0 if self._young < 2 else min(LONGEST_S, PAUSE_S * 2 ** (self._young - 2))
        end = monotonic() + pause
        while monotonic() < end and not self.interrupt_signal:
            sleep(STEP_S)
