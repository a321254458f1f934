"""Peers in environments of their own, under ``.bench``: made once, with pinned versions, by the registry pip knows."""

import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.measure import Trouble
from benchmarks.processes import said

FOLDER = Path(__file__).resolve().parent.parent / ".bench"
WRK = ("wrk", "libluajit-5.1-2")
H2LOAD = ("nghttp2-client", "libev4", "libjemalloc2", "libnghttp2-14")
KEDRO, DVC = "kedro==1.7.0", "dvc==3.67.1"


@dataclass(frozen=True, slots=True)
class Environment:
    """An installed peer; ``title`` is its name and version."""

    title: str
    folder: Path

    def program(self, name: str) -> str:
        return str(self.folder / "bin" / name)


def install(requirement: str, *beside: str) -> Environment:
    """A peer by ``name==version``, installed if it is not yet; ``beside``: what it needs that it does not say.

    Raises
    ------
    Trouble
        If it cannot be installed; it says why.
    """
    python = f"python{sys.version_info.major}.{sys.version_info.minor}"
    made = Environment(title(requirement), FOLDER / f"{requirement.replace('==', '-')}-{python}")
    stamp = made.folder / "installed"
    if stamp.exists():
        return made
    shutil.rmtree(made.folder, ignore_errors=True)
    for command in (
        [sys.executable, "-m", "venv", str(made.folder)],
        [made.program("python"), "-m", "pip", "install", "-q", "--disable-pip-version-check", requirement, *beside],
    ):
        _must(command)
    stamp.touch()
    return made


def title(requirement: str) -> str:
    """A requirement as people say it: name and version."""
    return requirement.replace("==", " ")


Program = tuple[list[str], dict[str, str]]  # a command, and what it needs in its environment


def wrk() -> Program:
    """The load generator wrk: the machine's, or Debian's unpacked; ``Trouble`` if there is none to be had."""
    return _debian("wrk", WRK)


def h2load() -> Program:
    """The same for h2load, which speaks HTTP/2."""
    return _debian("h2load", H2LOAD)


def _debian(name: str, packages: Sequence[str]) -> Program:
    there = shutil.which(name)
    if there is not None:
        return [there], {}
    folder = FOLDER / name
    stamp = folder / "installed"
    if not stamp.exists():
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        _must(["apt-get", "download", *packages], folder)
        for package in folder.glob("*.deb"):
            _must(["dpkg", "-x", str(package), str(folder)])
        stamp.touch()
    libraries = {str(file.parent) for file in (folder / "usr" / "lib").rglob("lib*.so*")}
    return [str(folder / "usr" / "bin" / name)], {"LD_LIBRARY_PATH": ":".join(sorted(libraries))}


def _must(command: list[str], cwd: Path | None = None) -> None:
    try:
        done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False)
    except OSError as error:
        raise Trouble(f"{Path(command[0]).name} cannot be started: {error.strerror}") from error
    if done.returncode:
        raise Trouble(said(Path(command[0]).name, done.returncode, done.stderr))
