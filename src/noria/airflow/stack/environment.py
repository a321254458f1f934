"""Airflow's own environment: its libraries by the lock, and noria beside them without its own."""

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

PACKAGE = Path(__file__).resolve().parent.parent.parent  # the package noria itself
STAMP = ".ready"  # holds the digest of the lock that was installed


def shipped(name: str) -> Path:
    """A file that comes with noria: inside an installed package, beside ``src`` in a checkout.

    ``FileNotFoundError`` if it is in neither place.
    """
    for place in (PACKAGE / "airflow" / "shipped", PACKAGE.parent.parent / "deploy" / "airflow", _requirements()):
        if (place / name).is_file():
            return place / name
    raise FileNotFoundError(f"{name} did not come with this noria; install noria again")


def _requirements() -> Path:
    return PACKAGE.parent.parent / "requirements"


def build(folder: Path, say: Callable[[str], None] = lambda text: None) -> Path:
    """The interpreter of the environment in ``folder``, made first if the lock's libraries are not there.

    One process builds at a time; the others wait for it. A build that was interrupted is begun again.

    Raises
    ------
    RuntimeError
        If the libraries cannot be installed; the message holds pip's last lines.
    """
    lock = shipped("airflow.lock")
    digest = hashlib.sha256(lock.read_bytes()).hexdigest()
    python = folder / "bin" / "python"
    folder.parent.mkdir(parents=True, exist_ok=True)
    with _alone(folder.with_name(folder.name + ".lock")):
        if not (folder / STAMP).exists() or (folder / STAMP).read_text().strip() != digest:
            say(f"installing Airflow into {folder}, once; this takes a minute or two")
            shutil.rmtree(folder, ignore_errors=True)
            _run([sys.executable, "-m", "venv", str(folder)])
            _run([str(python), "-m", "pip", "install", *PIP, "--require-hashes", "-r", str(lock)])
            _run([str(python), "-m", "compileall", "-qq", "-j", "2", str(_site(folder))], check=False)
            (folder / STAMP).write_text(digest)
        link(folder)
    return python


PIP = ("-q", "--no-deps", "--disable-pip-version-check", "--no-input")  # the lock is whole


def link(folder: Path) -> None:
    """Let the environment import this noria, and find its entry points, without noria's own libraries."""
    site = _site(folder)
    sources = {"noria": PACKAGE} | {found.name: found for found in _metadata()}
    for left in site.glob("noria*"):
        if left.is_symlink() and sources.get(left.name) != Path(os.readlink(left)):
            left.unlink()
    for name, source in sources.items():
        if not (site / name).is_symlink():
            (site / name).symlink_to(source)


def has(folder: Path) -> bool:
    """Whether noria can be imported in an environment that somebody else made."""
    return any(folder.glob("lib/python*/site-packages/noria/plan.py"))


def _metadata() -> Iterator[Path]:
    for place in map(Path, sys.path):
        yield from (found.resolve() for found in place.glob("noria-*.dist-info"))


def _site(folder: Path) -> Path:
    return folder / "lib" / f"python{sys.version_info.major}.{sys.version_info.minor}" / "site-packages"


@contextmanager
def _alone(file: Path) -> Iterator[None]:
    with file.open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        yield


def _run(words: list[str], *, check: bool = True) -> None:
    clean = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "PYTHONHOME")}
    clean.pop("PYTHONDONTWRITEBYTECODE", None)
    done = subprocess.run(words, capture_output=True, text=True, env=clean)
    if check and done.returncode != 0:
        last = " ".join((done.stderr or done.stdout).strip().splitlines()[-3:])
        raise RuntimeError(f"Airflow's environment cannot be made: {last}")
