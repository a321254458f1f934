"""Servers from Debian packages: where their programs are, and how they come onto the machine."""

import os
import pwd
import shutil
import subprocess
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from noria.errors import Failure, UserError

PACKAGES = {"postgresql": "postgresql", "redis": "redis-server", "rabbitmq": "rabbitmq-server"}
PROGRAMS = {  # of each server; kept off the PATH by Debian where a folder is given
    "postgresql": ("initdb", "postgres", "psql"),
    "redis": ("redis-server",),
    "rabbitmq": ("rabbitmq-server", "rabbitmqctl", "epmd"),
}
FOLDERS = {"postgresql": "/usr/lib/postgresql/*/bin", "rabbitmq": "/usr/lib/rabbitmq/bin", "redis": "/usr/sbin"}
REFUSES = Path("/usr/sbin/policy-rc.d")  # while it says 101, an installed server is not started


def program(server: str, name: str) -> str | None:
    """Where a program of a server is; None if it is not installed."""
    places = sorted(Path("/").glob(FOLDERS[server][1:] + f"/{name}"))
    return str(places[-1]) if places else shutil.which(name)


def needed(server: str, name: str) -> str:
    """Where a program of a server is, which must be there."""
    found = program(server, name)
    if found is None:
        raise UserError(f"{name} is not installed", where=server, do=f"Install the Debian package {PACKAGES[server]}.")
    return found


def missing(servers: Iterable[str]) -> list[str]:
    """Packages of servers that are not all there."""
    return [PACKAGES[server] for server in servers if not all(program(server, name) for name in PROGRAMS[server])]


def install(servers: Iterable[str], say: Callable[[str], None]) -> None:
    """Install what is missing, unattended, without starting it as a service.

    Raises
    ------
    UserError
        If something is missing and the caller may not install it.
    Failure
        If the packages cannot be installed.
    """
    packages = missing(servers)
    if not packages:
        return
    named = " and ".join(packages)
    if os.geteuid() != 0 or shutil.which("apt-get") is None:
        plural = "s" if len(packages) > 1 else ""
        raise UserError(
            f"the Debian package{plural} {named} {'are' if plural else 'is'} missing", where="this machine",
            do=f"Install as root: apt-get install --no-install-recommends {' '.join(packages)}",
        )  # fmt: skip
    say(f"installing {named}")
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    with _not_started():
        for words in (["update", "-q"], ["install", "-yq", "--no-install-recommends", *packages]):
            done = subprocess.run(["apt-get", *words], capture_output=True, text=True, env=environment)
            if done.returncode != 0:
                last = (done.stderr.strip() or done.stdout.strip()).splitlines()[-1:]
                raise Failure(f"{named} cannot be installed: {''.join(last)}", where="apt-get", do="Install by hand.")


def account(name: str) -> dict[str, object]:
    """How to start a program as an account of its own; nothing to say for somebody who is not root."""
    if os.geteuid() != 0:
        return {}
    who = pwd.getpwnam(name)
    return {"user": who.pw_uid, "group": who.pw_gid, "extra_groups": []}


def reachable(folder: Path) -> bool:
    """Whether an account that is not root could get into ``folder`` once it owns it."""
    return all(parent.stat().st_mode & 0o001 for parent in folder.absolute().parents if parent.exists())


@contextmanager
def _not_started() -> Iterator[None]:
    """Debian starts a server when it is installed, on its usual port: not here."""
    if REFUSES.exists():
        yield
        return
    REFUSES.write_text("#!/bin/sh\nexit 101\n")
    REFUSES.chmod(0o755)
    try:
        yield
    finally:
        REFUSES.unlink(missing_ok=True)
