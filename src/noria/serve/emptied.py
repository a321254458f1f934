"""Everything that servers of this machine took, carried into the tables."""

from pathlib import Path
from time import monotonic, sleep

from noria.errors import Stopped
from noria.serve import segment
from noria.serve.flush import flush
from noria.settings import Settings

SPOOL_S, LOOK_S = 60.0, 0.1  # how long a server may take to complete the segment it writes to; between two looks


def carry(settings: Settings) -> None:
    """Have all that servers on this machine took so far in the tables when this returns.

    Raises
    ------
    Stopped
        If a server does not complete what it took.
    """
    folder = settings.spool
    before = _names(folder)
    end = monotonic() + SPOOL_S
    while before & _names(folder):
        flush(settings)
        if not before & _names(folder):
            return
        if monotonic() > end:
            raise Stopped("a server does not complete what it took", where=str(folder), do="End it, then try again.")
        sleep(LOOK_S)


def _names(folder: Path) -> set[str]:
    if not folder.is_dir():
        return set()
    segment.adopt(folder)
    return {file.name.partition("~")[0].partition(".")[0] for kind in ("*.open", "*.seg", "*.flush")
            for file in folder.glob(kind)}  # fmt: skip
