"""The pages' server: one process of granian; beside another server, for as long as that one lives."""

import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from starlette.applications import Starlette

from noria import settings as settings_
from noria.run.place import open_place
from noria.serve.listen import free_port, must_ask_who_comes
from noria.settings import Settings

WHERE = "noria ui"  # of what cannot be done
NAMES = ("home", "db", "artifacts", "data", "spool", "secret", "actor")
BESIDE = "NORIA_UI_BESIDE"  # set: end when standard input does
DRAIN_S = 5


def serve(settings: Settings, *, host: str, port: int, ready_file: Path | None = None, insecure: bool = False,
          cert: str = "", key: str = "") -> None:  # fmt: skip
    """Show the pages until a signal ends it.

    Parameters
    ----------
    port
        0: any that is free.
    ready_file
        Gets the address once pages are shown.
    insecure
        Listen where other machines can reach it though no token holds.
    cert, key
        PEM files: pages by TLS only.

    Raises
    ------
    UserError
        If the port is taken, or others could decide without a token.
    """
    from granian import Granian
    from granian.constants import HTTPModes, Interfaces
    from granian.log import LogLevels

    if not insecure:
        must_ask_who_comes(settings, host, where=WHERE, could="look and decide")
    port = free_port(host, port, where=WHERE)
    for name in NAMES:
        os.environ[f"NORIA_{name.upper()}"] = str(getattr(settings, name))
    os.environ["NORIA_UI_READY"] = f"{ready_file.resolve()}" if ready_file else ""
    shown = f"[{host}]" if ":" in host else host
    os.environ["NORIA_UI_URL"] = f"http{'s' if cert else ''}://{shown}:{port}"
    server = Granian(
        "noria.ui.server:application", address=host, port=port, interface=Interfaces.ASGI, workers=1, factory=True,
        http=HTTPModes.auto, websockets=False, log_level=LogLevels.warning, workers_kill_timeout=DRAIN_S,
        ssl_cert=Path(cert) if cert else None, ssl_key=Path(key) if key else None,
    )  # fmt: skip
    if os.environ.pop(BESIDE, ""):
        threading.Thread(target=_end_with_input, daemon=True, name="beside").start()
    server.serve()


def application() -> Starlette:
    """What the worker process shows, from what it was started with."""
    from noria.ui.app import app

    made = app(open_place(settings_.load(Path.cwd())))
    ready, url = os.environ.get("NORIA_UI_READY", ""), os.environ.get("NORIA_UI_URL", "")
    if ready:
        threading.Thread(target=_tell, args=(url, Path(ready)), daemon=True, name="ready").start()
    return made


def _tell(url: str, file: Path) -> None:
    """Write the address to a file once it answers."""
    host, _, port = url.partition("//")[2].rpartition(":")
    while True:
        with socket.socket(socket.AF_INET6 if "[" in host else socket.AF_INET) as probe:
            probe.settimeout(1)
            if probe.connect_ex((host.strip("[]"), int(port))) == 0:
                break
        threading.Event().wait(0.02)
    draft = file.with_name(f"{file.name}.draft")
    draft.write_text(url)
    os.replace(draft, file)


@contextmanager
def beside(settings: Settings, *, host: str, port: int, insecure: bool, ready_file: Path | None) -> Iterator[None]:
    """The pages in a process of their own; it ends with this block, or when nobody holds its standard input."""
    words = ["ui", "--host", host, "--port", str(port), *(["--insecure"] if insecure else [])]
    words += ["--ready-file", str(ready_file.resolve())] if ready_file else []
    environ = {**os.environ, BESIDE: "1", **{f"NORIA_{name.upper()}": str(getattr(settings, name)) for name in NAMES}}
    process = subprocess.Popen(
        [sys.executable, "-m", "noria.cli.main", *words], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, env=environ
    )
    try:
        yield
    finally:
        assert process.stdin is not None
        process.stdin.close()
        process.wait()


def _end_with_input() -> None:
    while os.read(0, 1 << 12):  # not by sys.stdin: its lock, held when a worker is forked, would stop that one
        pass
    os.kill(os.getpid(), signal.SIGTERM)
