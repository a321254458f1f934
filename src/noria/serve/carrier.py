"""The process beside the workers that carries the spool into the captured tables, every two seconds."""

import signal
import sys
import threading
from pathlib import Path

from noria import settings
from noria.errors import NoriaError
from noria.serve.flush import flush

FLUSH_S = 2.0


def main() -> None:
    """Flush until standard input closes, and once more then; what cannot be carried now stays in the spool."""
    for one in (signal.SIGINT, signal.SIGTERM):
        signal.signal(one, signal.SIG_IGN)  # they reach the whole group; the parent says when to end
    ended = threading.Event()
    threading.Thread(target=_wait_for_parent, args=(ended,), daemon=True).start()
    found = settings.load(Path.cwd())
    last = None
    while True:
        ending = ended.wait(FLUSH_S)
        try:
            flush(found)
            last = None
        except Exception as error:  # the segments stay, and the next time may be better
            what = str(error) if isinstance(error, NoriaError) else f"the spool stays: {type(error).__name__}: {error}"
            if what != last:
                print(f"noria: {what}", file=sys.stderr, flush=True)
            last = what
        if ending:
            return


def _wait_for_parent(ended: threading.Event) -> None:
    sys.stdin.buffer.read()
    ended.set()


if __name__ == "__main__":
    main()
