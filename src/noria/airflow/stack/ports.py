"""Ports on the loopback address: chosen once, recorded, the same at every start."""

import contextlib
import socket
from collections.abc import Iterable, Mapping

from noria.errors import UserError

USUAL = 8080  # of Airflow's web pages


def settle(names: Iterable[str], known: Mapping[str, int], wanted: int) -> dict[str, int]:
    """A port for each name: those that are known stay, others are free ones; ``wanted`` is the API's if it is not 0."""
    names = list(names)
    ports = {name: known[name] for name in names if name in known}
    if wanted:
        ports["api"] = wanted
    elif "api" in names and "api" not in ports and is_free(USUAL):
        ports["api"] = USUAL
    with contextlib.ExitStack() as held:  # all at once, so that no two are the same
        for name in names:
            if name not in ports:
                probe = held.enter_context(socket.socket())
                probe.bind(("127.0.0.1", 0))
                ports[name] = int(probe.getsockname()[1])
    return ports


def is_free(port: int) -> bool:
    """Whether a server could listen there now."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # connections that are ending do not count
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def must_be_free(name: str, port: int) -> None:
    """A sentence instead of a server that dies at its start."""
    if not is_free(port):
        raise UserError(
            f"port {port} is taken by another program", where=name,
            do="End that program, or give another port: noria airflow up --port PORT." if name == "api"
            else "End that program; or remove the port from stack.json, and another one is chosen.",
        )  # fmt: skip
