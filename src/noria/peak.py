"""What this process takes of memory while it does something."""

import resource
from pathlib import Path
from typing import ClassVar
from weakref import WeakSet

RESET = "5"  # to /proc/self/clear_refs, since Linux 4.0: the largest resident memory counts from now
STATUS, CLEAR = Path("/proc/self/status"), Path("/proc/self/clear_refs")


class Peak:
    """The largest resident memory since this was made, files that are mapped included; one may be within another.

    Where the system keeps the mark but does not let it be reset, it is that since the program was started; where it
    keeps none, what ``getrusage`` tells, which a process inherits from the one that started it.
    """

    _open: ClassVar[WeakSet["Peak"]] = WeakSet()

    _before_mb: float

    def __init__(self) -> None:
        mark, self._before_mb = _mark_mb(), 0.0
        for one in list(self._open):
            one._before_mb = max(one._before_mb, mark)
        try:
            CLEAR.write_text(RESET)
        except OSError:
            self._before_mb = mark
        self._open.add(self)

    def mb(self) -> float:
        """In MiB, until now."""
        return max(self._before_mb, _mark_mb())


def _mark_mb() -> float:
    try:
        lines = STATUS.read_text().splitlines()
    except OSError:
        lines = []
    marked = [int(line.split()[1]) / 1024 for line in lines if line.startswith("VmHWM:")]
    return marked[0] if marked else resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
