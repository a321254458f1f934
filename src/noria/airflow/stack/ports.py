"""Ports on the loopback address: chosen once, recorded, the same at every start."""

import random
import socket
from collections.abc import Iterable, Mapping, Set

from noria.errors import UserError

USUAL = 8080  # of Airflow's web pages
CHOSEN = range(20_000, 32_768)  # below those that a kernel gives to whoever asks for any: ours are bound later


def settle(names: Iterable[str], known: Mapping[str, int], wanted: int) -> dict[str, int]:
    """A port for each name: those that are known stay, others are free ones; ``wanted`` is the API's if it is not 0."""
    names = list(names)
    ports = {name: known[name] for name in names if name in known}
    if wanted:
        ports["api"] = wanted
    elif "api" in names and "api" not in ports and is_free(USUAL):
        ports["api"] = USUAL
    for name in names:
        if name not in ports:
            ports[name] = another(set(ports.values()))
    return ports


def another(taken: Set[int] = frozenset()) -> int:
    """A port that is free now, and that stays so until it is bound: no system gives it to another program."""
    chance = random.SystemRandom()
    for port in chance.sample(CHOSEN, len(CHOSEN)):
        if port not in taken and is_free(port):
            return port
    raise UserError(
        f"no port is free from {CHOSEN.start} to {CHOSEN.stop - 1}", where="127.0.0.1", do="End programs that listen."
    )


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
