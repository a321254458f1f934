"""A step's process that ended without a word: whoever started it puts the reason on record."""

from noria import owner
from noria.run import parts
from noria.run.execute import Order
from noria.run.place import Place
from noria.store import runs
from noria.store.attempt import Result

SAID = (*runs.FINISHED, "blocked", "failed")


def note_end(place: Place, order: Order, why: str, host: str) -> bool:
    """Mark a step run failed with ``why``, if nobody can still be at work at it; True if it was.

    Nobody can be: if it never began; if its process is gone from this machine; or if the machine it ran on is
    ``host``, a pod of which the caller knows that it is no more. A step that finished, or said itself why it failed,
    keeps what it said.
    """
    with place.store.begin() as c:
        row = parts.row(c, order.run.id, order.word, order.shard)
        if row.state in SAID or (row.state == "running" and not _is_over(str(row.owner), host)):
            return False
        runs.finish(c, place.clock, row.id, row.attempt, "failed", Result({}, {}), message=why)
        return True


def _is_over(worker: str, host: str) -> bool:
    return worker.partition("/")[0] == host or owner.is_gone(worker)
