"""What ``noria serve`` was told, as its worker processes get it: one value, through the environment."""

import os
import ssl
from dataclasses import asdict, dataclass, field
from pathlib import Path

import msgspec

from noria.errors import UserError
from noria.serve.limits import Limits

NAME = "NORIA_SERVE_OPTIONS"


@dataclass(frozen=True, slots=True)
class Options:
    """
    access_log
        File, or ``-`` for standard output; empty: none.
    traces
        URL of a collector of OpenTelemetry traces; empty: none.
    cert, key
        Files of PEM: the server's certificate, those of its issuers after it, and its key; empty: no TLS.
    meters
        Folder of what the processes count; empty: each keeps it for itself.
    memory_mb
        What versions that no route names may take together, in each worker; see ``Host``.
    """

    limits: Limits = field(default_factory=Limits)
    access_log: str = ""
    traces: str = ""
    cert: str = ""
    key: str = ""
    meters: str = ""
    memory_mb: float = 2_000.0

    @property
    def tls(self) -> bool:
        return bool(self.cert)

    def check(self) -> None:
        """``UserError`` if the certificate and key cannot be used."""
        if bool(self.cert) is not bool(self.key):
            raise UserError("TLS needs a certificate and its key", where="noria serve", do="Give --tls-cert --tls-key.")
        if self.cert:
            _usable(self.cert, self.key)

    def leave(self) -> None:
        """Put it where worker processes find it."""
        os.environ[NAME] = msgspec.json.encode(asdict(self)).decode()


def found() -> Options:
    """What this process was started with."""
    return msgspec.json.decode(os.environ.get(NAME, "{}"), type=Options)


def _usable(cert: str, key: str) -> None:
    for file in (cert, key):
        if not Path(file).is_file():
            raise UserError("there is no such file", where=file, do="Give --tls-cert and --tls-key as PEM files.")
    try:
        ssl.create_default_context(ssl.Purpose.CLIENT_AUTH).load_cert_chain(cert, key, password=_none_asked)
    except (OSError, ValueError) as error:
        why = getattr(error, "reason", None) or getattr(error, "strerror", None) or str(error)
        raise UserError(
            f"the certificate and its key cannot be used: {str(why).replace('_', ' ').lower()}",
            where=f"{cert}, {key}",
            do="Give PEM files that belong together, the key without a password.",
        ) from error


def _none_asked() -> str:
    raise ValueError("the key has a password")
