"""What a process takes of memory while it does something."""

import resource
from pathlib import Path

RESET_PEAK = "5"  # to /proc/self/clear_refs, since Linux 4.0


class Peak:
    """The largest resident memory since this was made; since the process began where the system cannot tell."""

    def __init__(self) -> None:
        try:
            Path("/proc/self/clear_refs").write_text(RESET_PEAK)
            self._reset = True
        except OSError:
            self._reset = False

    def mb(self) -> float:
        """In MiB."""
        if self._reset:
            lines = Path("/proc/self/status").read_text().splitlines()
            return next(int(line.split()[1]) / 1024 for line in lines if line.startswith("VmHWM:"))
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
