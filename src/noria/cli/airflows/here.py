"""The stack that belongs to the folder in which a command is typed."""

import os
from pathlib import Path

from noria import settings
from noria.airflow.stack.choice import Folder
from noria.cli.home import find_home

NAMES = (
    *("NORIA_ARTIFACTS", "NORIA_DATA", "NORIA_SECRET", "NORIA_ALERTS"),
    *("NORIA_LINEAGE", "NORIA_LINEAGE_KEY", "OPENLINEAGE_URL", "OPENLINEAGE_API_KEY", "NORIA_STATSD"),
)


def project() -> Path:
    """The folder whose settings count."""
    return find_home(Path.cwd())


def folder() -> Folder:
    return Folder(settings.load(project()).home / "airflow")


def variables() -> dict[str, str]:
    """What the stack's workers need of the caller's settings: a store that was chosen, whom to tell what happens."""
    found, given = settings.load(project()), {name: os.environ[name] for name in NAMES if os.environ.get(name)}
    if found.db not in (f"sqlite:///{found.home / 'noria.db'}", settings.of_stack(found.home).get("db")):
        given["NORIA_DB"] = found.db
    return given


def leaves_runs_behind() -> bool:
    """Whether records in the home's own database would not be seen by a stack that has a server for them."""
    found = settings.load(project())
    return found.db == f"sqlite:///{found.home / 'noria.db'}" and (found.home / "noria.db").exists()
