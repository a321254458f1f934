"""Secrets of a stack: made once, kept in a file that only its owner may read."""

import base64
import os
import secrets
from collections.abc import Mapping

from noria.airflow.stack.choice import Folder, read, write

ROLES = {"admin": "admin", "noria": "op", "reviewer": "user", "onlooker": "viewer"}  # account: its role in Airflow


def of(folder: Folder) -> Mapping[str, str]:
    """The stack's secrets by name, made when they are first asked for."""
    path = folder.root / "secrets.json"
    found = read(path) or {}
    wanted = {
        "postgres": _word, "airflow_db": _word, "noria_db": _word, "broker": _word, "cookie": _word,
        "jwt": _long, "session": _word,
        "fernet": _fernet,
    }  # fmt: skip
    lacking = {name: make() for name, make in wanted.items() if name not in found}
    if lacking:
        write(path, {**found, **lacking})
    return {**found, **lacking}


def passwords(folder: Folder) -> Mapping[str, str]:
    """Airflow's accounts and their passwords, made when they are first asked for."""
    path = folder.root / "passwords.json"
    found = read(path) or {}
    if not ROLES.keys() <= found.keys():
        found = {name: _word() for name in ROLES} | found
        write(path, found)
    return found


def _word() -> str:
    return secrets.token_urlsafe(18).replace("-", "x").replace("_", "y")  # safe in a URL and on a command line


def _long() -> str:
    return secrets.token_hex(32)


def _fernet() -> str:
    return base64.urlsafe_b64encode(os.urandom(32)).decode()
