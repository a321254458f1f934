"""A step's process that ended without saying why: whoever started it puts the reason on record."""

from noria import owner
from noria.run.place import Place
from noria.store import runs
from noria.store.attempt import Result

OVER = (*runs.FINISHED, "blocked", "failed")


def ended(place: Place, run_id: str, word: str, shard: int, message: str, host: str) -> bool:
    """Mark a step run failed with ``message``, if nobody can still be at work at it; True if it was.

    Nobody can be: if it never began; if its process is gone from this machine; or if the machine it ran on is
    ``host``, a pod of which the caller knows that it is no more. A step that finished, or said itself why it failed,
    keeps what it said.

    Raises
    ------
    NotFound
        If the run has no such step.
    """
    with place.store.begin() as c:
        row = runs.step(c, run_id, word, shard)
        if row.state in OVER or (row.state == "running" and not _is_over(row, host)):
            return False
        runs.finish(c, place.clock, row.id, row.attempt, "failed", Result({}, {}), message=message)
        return True


def _is_over(row: runs.StepRun, host: str) -> bool:
    at = str(row.owner)
    return at.split("/")[0] == host or owner.is_gone(at)
