"""A model server in a process of its own, for as long as the demo needs it."""

import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from noria.errors import Failure

PATIENCE_S = 30.0


class Server:
    """``noria serve`` in a folder, on any free port; ``url`` is where it answers."""

    def __init__(self, folder: Path) -> None:
        self._ready = folder / ".noria" / "server"
        self._ready.unlink(missing_ok=True)
        environ = {name: value for name, value in os.environ.items() if not name.startswith("NORIA_")}
        command = [sys.executable, "-m", "noria.cli.main", "serve", "--port", "0", "--ready-file", str(self._ready)]
        self._log = (folder / "server.log").open("wb")
        self.process = subprocess.Popen(command, cwd=folder, env=environ, stdout=self._log, stderr=self._log)
        wait_until(lambda: self._ready.exists() or self.process.poll() is not None, "the model server to start")
        if self.process.poll() is not None:
            raise Failure("the model server ended", where=str(folder / "server.log"), do="See what it says there.")
        self.url = self._ready.read_text().strip()

    def stop(self) -> None:
        """End it and wait: what it captured is in the tables afterwards."""
        self.process.terminate()
        self.process.wait()
        self._log.close()


def wait_until(holds: Callable[[], bool], what: str) -> None:
    """Wait for something that another process does.

    Raises
    ------
    Failure
        If it takes longer than half a minute.
    """
    end = time.monotonic() + PATIENCE_S
    while not holds():
        if time.monotonic() > end:
            raise Failure(f"waited {PATIENCE_S:.0f} s for {what}", where="demo", do="Run it again.")
        time.sleep(0.05)
