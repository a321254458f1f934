"""The server: worker processes on one port, and the carrying of the spool beside them."""

import os
import socket
import threading
from collections.abc import Callable
from pathlib import Path

from noria.errors import NoriaError, UserError
from noria.settings import Settings

FLUSH_S = 2.0
LOCAL = ("127.0.0.1", "::1", "localhost")


def serve(
    settings: Settings,
    *,
    host: str = "127.0.0.1",
    port: int = 8080,
    workers: int = 1,
    started: Callable[[str], None] = lambda url: None,
    trouble: Callable[[str], None] = lambda message: None,
) -> None:
    """Serve until a signal ends it; what was captured is carried into the tables before it returns.

    Parameters
    ----------
    port
        0: any that is free.
    started
        Called with the address once the port is bound.
    trouble
        Called with a sentence when the spool cannot be carried on.

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
    stop = threading.Event()
    carrier = threading.Thread(target=_carry, args=(settings, stop, trouble), name="spool")
    server.on_startup(lambda: started(f"http://{host}:{port}"))
    carrier.start()
    try:
        server.serve()
    finally:
        stop.set()
        carrier.join()


def _carry(settings: Settings, stop: threading.Event, trouble: Callable[[str], None]) -> None:
    """Flush every two seconds, and once more at the end; what cannot be carried now stays in the spool."""
    from noria.serve.flush import flush

    last = None
    while True:
        ending = stop.wait(FLUSH_S)
        try:
            flush(settings)
            last = None
        except NoriaError as error:
            if str(error) != last:
                trouble(str(error))
            last = str(error)
        if ending:
            return


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


def ready_file(path: Path, url: str) -> None:
    """Write the address to a file, whole or not at all: what scripts wait for."""
    draft = path.with_suffix(".draft")
    draft.write_text(url + "\n")
    os.replace(draft, path)
