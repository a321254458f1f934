"""The stack that belongs to the folder in which a command is typed."""

import os
from pathlib import Path

from noria import settings
from noria.airflow.stack.choice import Folder
from noria.cli.home import find_home

NAMES = ("NORIA_ARTIFACTS", "NORIA_DATA", "NORIA_SECRET", "NORIA_ALERTS", "NORIA_DB", "NORIA_LINEAGE", "NORIA_STATSD")


def project() -> Path:
    """The folder whose settings count."""
    return find_home(Path.cwd())


def folder() -> Folder:
    return Folder(settings.load(project()).home / "airflow")


def variables() -> dict[str, str]:
    """What of the caller's environment the stack's workers need too."""
    return {name: os.environ[name] for name in NAMES if os.environ.get(name)}
