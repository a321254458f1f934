"""Where a server may listen: a port that is free, and beyond this machine only if it asks who comes."""

import socket
from contextlib import closing
from datetime import UTC, datetime

from noria.errors import UserError
from noria.serve.door import is_near
from noria.settings import Settings
from noria.store import tokens
from noria.store.engine import open_store


def must_ask_who_comes(settings: Settings, host: str, *, where: str, could: str) -> None:
    """Refuse to listen beyond this machine as long as no token holds.

    Parameters
    ----------
    where, could
        The command, and what whoever reaches it could do, for the message.

    Raises
    ------
    UserError
        If ``host`` is no address of this machine and no token holds.
    """
    if is_near(host):
        return
    with closing(open_store(settings.db)) as store, store.read() as c:
        held = any(one.holds(datetime.now(UTC)) for one in tokens.tokens(c))
    if not held:
        raise UserError(
            f"whoever reaches {host} could {could}: no token holds",
            where=where,
            do="Make one with 'noria token create', or say --insecure.",
        )


def free_port(host: str, port: int, *, where: str, option: str = "--port") -> int:
    """The port, if it is free; for 0 one that is.

    Raises
    ------
    UserError
        If nobody can listen there.
    """
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except (OSError, OverflowError, UnicodeError) as error:
            raise UserError(
                f"port {port} of {host} cannot be used: {getattr(error, 'strerror', None) or error}",
                where=where,
                do=f"Give another {option} (0 takes any that is free) or another --host.",
            ) from error
        return int(probe.getsockname()[1])
