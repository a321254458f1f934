"""Where state lives: ``noria.toml`` and ``NORIA_*``, read once, here only."""

import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from noria.errors import UserError

KEYS = {
    *("home", "db", "artifacts", "data", "spool", "alerts", "actor", "secret", "project"),
    *("airflow", "airflow_login", "lineage", "lineage_key", "statsd"),
}
STACK = "stack.toml"  # in the home, written by `noria airflow up`: where its database and its Airflow are


@dataclass(frozen=True, slots=True)
class Settings:
    """
    home
        Folder of everything local (``NORIA_HOME``, default ``.noria``).
    db
        SQLAlchemy URL of the metadata store (``NORIA_DB``, default SQLite in the home).
    artifacts
        Folder or ``s3://bucket/prefix`` (``NORIA_ARTIFACTS``, default in the home).
    data
        Folder of the datasets' Delta tables, which all machines share (``NORIA_DATA``, default in the home).
    spool
        Folder of what a server took and did not carry on yet: each server's own, on a disk that outlives it
        (``NORIA_SPOOL``, default in the home).
    alerts
        Apprise URLs that alerts go to (``NORIA_ALERTS``, separated by spaces).
    actor
        Who decides, in the audit log (``NORIA_ACTOR``, default the login name).
    secret
        File with what erased subjects are known by (``NORIA_SECRET``, default in the home, made when it is needed);
        machines that share a database share its content.
    project
        Folder that relative paths of sources start from where code comes out of its bundle (``NORIA_PROJECT``; None:
        such paths are an error there).
    airflow
        Address of an Airflow that hears of every dataset version (``NORIA_AIRFLOW``; empty: none does).
    airflow_login
        File with ``USER:PASSWORD``, or a token, for that address (``NORIA_AIRFLOW_LOGIN``).
    lineage, lineage_key
        Address that takes OpenLineage events, and the key it wants (``NORIA_LINEAGE`` or ``OPENLINEAGE_URL``,
        ``NORIA_LINEAGE_KEY`` or ``OPENLINEAGE_API_KEY``; empty: nobody is told).
    statsd
        ``host:port`` that takes StatsD metrics of steps and runs (``NORIA_STATSD``; empty: nobody is told).
    """

    home: Path
    db: str
    artifacts: str
    alerts: tuple[str, ...] = ()
    actor: str = "unknown"
    data: str = ""
    spool: Path = Path()
    secret: Path = Path()
    project: Path | None = None
    airflow: str = ""
    airflow_login: Path | None = None
    lineage: str = ""
    lineage_key: str = ""
    statsd: str = ""

    def __post_init__(self) -> None:
        object.__setattr__(self, "data", self.data or str(self.home / "data"))
        object.__setattr__(self, "spool", self.spool if self.spool.name else self.home / "spool")
        object.__setattr__(self, "secret", self.secret if self.secret.name else self.home / "secret")

    @property
    def cache(self) -> Path:
        return self.home / "cache"

    @property
    def reports(self) -> Path:
        return self.home / "reports"


def load(folder: Path, environ: Mapping[str, str] = os.environ) -> Settings:
    """Settings for work in ``folder``: environment, ``noria.toml``, what a stack of this home left, defaults.

    Raises
    ------
    UserError
        If ``noria.toml`` cannot be read or has an unknown key.
    """
    file = _file(folder / "noria.toml")
    made: dict[str, Any] = {}

    def value(key: str, default: str) -> str:
        return environ.get(f"NORIA_{key.upper()}") or str(file.get(key, made.get(key, default)))

    home = (folder / Path(value("home", ".noria")).expanduser()).resolve()
    made = of_stack(home)
    listed = file.get("alerts", [])
    alerts = environ.get("NORIA_ALERTS", "").split() or (listed.split() if isinstance(listed, str) else listed)
    return Settings(
        home=home,
        db=value("db", f"sqlite:///{home / 'noria.db'}"),
        artifacts=value("artifacts", str(home / "artifacts")),
        alerts=tuple(alerts),
        actor=value("actor", environ.get("USER") or environ.get("LOGNAME") or "unknown"),
        data=str(_folder(folder, "data", value("data", str(home / "data")))),
        spool=_folder(folder, "spool", value("spool", str(home / "spool"))),
        secret=_folder(folder, "secret", value("secret", str(home / "secret"))),
        project=_optional(folder, value("project", "")),
        airflow=value("airflow", "").rstrip("/"),
        airflow_login=_optional(folder, value("airflow_login", "")),
        lineage=value("lineage", environ.get("OPENLINEAGE_URL", "")),
        lineage_key=value("lineage_key", environ.get("OPENLINEAGE_API_KEY", "")),
        statsd=value("statsd", ""),
    )


def of_stack(home: Path) -> dict[str, Any]:
    """What `noria airflow up` left in a home; empty if it never ran there."""
    return _file(home / STACK)


def _optional(start: Path, text: str) -> Path | None:
    return (start / Path(text).expanduser()).resolve() if text else None


def _folder(start: Path, key: str, text: str) -> Path:
    if "://" in text:
        raise UserError(
            f"{key} is {text!r}", where=f"NORIA_{key.upper()}", do="Give a folder; it may be a mounted one."
        )
    return (start / Path(text).expanduser()).resolve()


def _file(path: Path) -> dict[str, Any]:
    if not path.exists():
        return {}
    try:
        content = tomllib.loads(path.read_text())
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, OSError) as error:
        raise UserError(f"noria.toml cannot be read: {error}", where=str(path), do="Correct or remove it.") from error
    unknown = content.keys() - KEYS
    if unknown:
        raise UserError(
            f"unknown setting {', '.join(sorted(unknown))}", where=str(path), do=f"Known are {', '.join(sorted(KEYS))}."
        )
    return content
