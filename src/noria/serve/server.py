"""The server: worker processes on one port, and the carrying of the spool beside them."""

import gc
import os
import socket
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import replace
from pathlib import Path

from noria.serve import access, meter, trace
from noria.serve.listen import free_port, must_ask_who_comes
from noria.serve.options import Options
from noria.settings import Settings

WHERE = "noria serve"  # of what cannot be done
METERS = "meters"  # a folder of the spool
DRAIN_S = 20  # at most, for requests under way when the server is to end
THREADS = "OMP_NUM_THREADS"  # what OpenMP and OpenBLAS go by
PAUSE_S = 1.0  # before another carrier takes the place of one that died


def serve(
    settings: Settings,
    *,
    host: str = "127.0.0.1",
    port: int = 8080,
    grpc_port: int | None = None,
    workers: int = 1,
    ready_file: Path | None = None,
    options: Options | None = None,
    insecure: bool = False,
) -> None:
    """Serve until a signal ends it; what was captured is carried into the tables before it returns.

    Parameters
    ----------
    port
        0: any that is free.
    grpc_port
        The same for gRPC; None: no gRPC.
    ready_file
        Gets the address once requests are answered: what scripts wait for.
    insecure
        Listen where other machines can reach it though no token holds.

    Raises
    ------
    UserError
        If the port is taken, the address is none of this machine, others could reach it without a token, or a file
        that it is given cannot be used.
    """
    from granian.constants import HTTPModes, Interfaces, Loops
    from granian.http import HTTP1Settings
    from granian.log import LogLevels

    from noria.serve.workers import Workers

    said = options or Options()
    _check(settings, host, said, insecure)
    port = free_port(host, port, where=WHERE)
    replace(said, meters=str(meter.clear(settings.spool / METERS))).leave()
    for name in ("home", "db", "artifacts", "data", "spool"):
        os.environ[f"NORIA_{name.upper()}"] = str(getattr(settings, name))
    os.environ["NORIA_SERVE_URL"] = f"http{'s' if said.tls else ''}://{_address(host, port)}"
    os.environ["NORIA_SERVE_PID"] = str(os.getpid())
    share_processors(workers)
    os.environ["NORIA_SERVE_READY_FILE"] = "" if ready_file is None else str(ready_file.resolve())
    held = None if grpc_port is None else _held(host, grpc_port)
    os.environ["NORIA_SERVE_GRPC"] = "" if held is None else _address(host, held.getsockname()[1])
    server = Workers(
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
        workers_kill_timeout=DRAIN_S,
        http1_settings=HTTP1Settings(header_read_timeout=int(1000 * said.limits.seconds)),
        ssl_cert=Path(said.cert) if said.tls else None,
        ssl_key=Path(said.key) if said.tls else None,
    )
    gc.collect()
    gc.freeze()  # or the collector of each worker writes to, and so copies, all the pages that they share
    with _carrier(), held or nullcontext():
        server.serve()


def share_processors(workers: int) -> None:
    """Have models in processes of their own, of which each worker has its own, share the processors, unless it was said
    how many threads each has."""
    os.environ.setdefault(THREADS, str(max(1, len(os.sched_getaffinity(0)) // workers)))


def _check(settings: Settings, host: str, options: Options, insecure: bool) -> None:
    """``UserError`` if it must not be served so, or cannot be."""
    options.check()
    if options.access_log not in ("", access.STDOUT):
        os.close(access.opened(options.access_log))
    if options.traces:
        trace.needs()
    if not insecure:
        must_ask_who_comes(settings, host, where=WHERE, could="ask, answer and decide")


@contextmanager
def _carrier() -> Iterator[None]:
    """The process that flushes the spool, and another if that one dies.

    It ends by itself, after a last flush, when its standard input closes: also if this process is killed.
    """
    reader, writer = os.pipe()
    ended = threading.Event()

    def start() -> int:
        # not by subprocess: its pipe to the child would be held open by a worker that is forked at that moment
        command = [sys.executable, "-m", "noria.serve.carrier"]
        return os.posix_spawn(sys.executable, command, os.environ, file_actions=[(os.POSIX_SPAWN_DUP2, reader, 0)])

    def tend(process: int) -> None:
        while os.waitpid(process, 0)[1] != 0 and not ended.wait(PAUSE_S):
            process = start()

    thread = threading.Thread(target=tend, args=(start(),), daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        os.close(writer)
        thread.join()
        os.close(reader)


def _address(host: str, port: int) -> str:
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def _held(host: str, port: int) -> socket.socket:
    """A socket that holds a free port for workers that share it, and itself never listens."""
    found = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
    found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    found.bind((host, free_port(host, port, where=WHERE, option="--grpc-port")))
    return found
