"""The server: worker processes on one port, and the carrying of the spool beside them."""

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from noria.errors import UserError
from noria.settings import Settings


def serve(
    settings: Settings,
    *,
    host: str = "127.0.0.1",
    port: int = 8080,
    workers: int = 1,
    ready_file: Path | None = None,
) -> None:
    """Serve until a signal ends it; what was captured is carried into the tables before it returns.

    Parameters
    ----------
    port
        0: any that is free.
    ready_file
        Gets the address once requests are answered: what scripts wait for.

    Raises
    ------
    UserError
        If the port is taken.
    """
    from granian import Granian
    from granian.constants import HTTPModes, Interfaces, Loops
    from granian.log import LogLevels

    port = _port(host, port)
    for name, value in (("HOME", settings.home), ("DB", settings.db), ("ARTIFACTS", settings.artifacts)):
        os.environ[f"NORIA_{name}"] = str(value)
    os.environ["NORIA_SERVE_URL"] = f"http://{host}:{port}"
    os.environ["NORIA_SERVE_READY_FILE"] = "" if ready_file is None else str(ready_file.resolve())
    server = Granian(
        "noria.serve.worker:app",
        address=host,
        port=port,
        interface=Interfaces.RSGI,
        workers=workers,
        http=HTTPModes.auto,
        loop=Loops.auto,
        websockets=False,
        factory=True,
        log_level=LogLevels.warning,
        respawn_failed_workers=True,
        respawn_interval=0.5,
    )
    with _carrier():
        server.serve()


@contextmanager
def _carrier() -> Iterator[None]:
    """The process that flushes the spool; a thread would not do, because the server forks its workers.

    It ends by itself, after a last flush, when its standard input closes: also if this process is killed.
    """
    process = subprocess.Popen([sys.executable, "-m", "noria.serve.carrier"], stdin=subprocess.PIPE)
    try:
        yield
    finally:
        assert process.stdin is not None
        process.stdin.close()
        process.wait()


def _port(host: str, port: int) -> int:
    """The port, if it is free; for 0 one that is."""
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise UserError(
                f"port {port} cannot be used: {error.strerror}", where=host, do="Give another with --port; 0 takes any."
            ) from error
        return int(probe.getsockname()[1])
