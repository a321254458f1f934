"""The process beside the workers that carries the spool into the captured tables.

It is small until there is something to carry: only then does it load what reads and writes tables, and when nothing
has come for a while it begins anew, small again. It stands back behind the workers for the processor.
"""

import os
import signal
import sys
import threading
from pathlib import Path
from time import monotonic

from noria import settings
from noria.errors import NoriaError
from noria.serve import segment

FLUSH_S, LONGEST_S = 2.0, 10.0  # between two flushes
SHARE = 0.05  # of the time that flushing may take: each is a commit, and few large ones cost less than many small ones
IDLE_S = 60.0  # without anything to carry until it begins anew: loading takes half a second of a processor
NICE = 10


def main() -> None:
    """Flush until standard input closes, and once more then; what cannot be carried now stays in the spool."""
    for one in (signal.SIGINT, signal.SIGTERM):
        signal.signal(one, signal.SIG_IGN)  # they reach the whole group; the parent says when to end
    os.nice(max(0, NICE - os.nice(0)))
    ended = threading.Event()
    threading.Thread(target=_wait_for_parent, args=(ended,), daemon=True).start()
    found = settings.load(Path.cwd())
    last, pause, busy = None, FLUSH_S, None
    while True:
        ending = ended.wait(pause)
        began = monotonic()
        try:
            if _is_something_in(found.spool):
                busy = began
                _flush(found)
            last = None
        except Exception as error:  # the segments stay, and the next time may be better
            what = str(error) if isinstance(error, NoriaError) else f"the spool stays: {type(error).__name__}: {error}"
            if what != last:
                print(f"noria: {what}", file=sys.stderr, flush=True)
            last = what
        if ending:
            return
        if busy is not None and began - busy > IDLE_S:
            os.execv(sys.executable, [sys.executable, "-m", "noria.serve.carrier"])  # noqa: S606  # itself
        pause = min(LONGEST_S, max(FLUSH_S, (monotonic() - began) / SHARE))


def _is_something_in(spool: Path) -> bool:
    return spool.is_dir() and bool(segment.adopt(spool) or list(spool.glob("*.flush")))


def _flush(found: settings.Settings) -> None:
    from noria.serve.flush import flush

    flush(found)


def _wait_for_parent(ended: threading.Event) -> None:
    sys.stdin.buffer.read()
    ended.set()


if __name__ == "__main__":
    main()
