"""Real servers and tools for the tests, from Debian packages: run as a program, it installs those that are missing."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

PACKAGES = {  # Debian package: a program of it
    "chromium": "chromium",
    "nodejs": "node",
    "postgresql": "initdb",
    "rabbitmq-server": "rabbitmqctl",
    "redis-server": "redis-server",
    "systemd": "systemd-analyze",
}


def program(name: str) -> str | None:
    """Where a server's program is; Debian keeps PostgreSQL's off the PATH."""
    versions = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"))
    return str(versions[-1]) if versions else shutil.which(name)


def install() -> int:
    """Install what is missing; exit code 2 and one sentence if that takes somebody else."""
    missing = [package for package, name in PACKAGES.items() if program(name) is None]
    if not missing:
        return 0
    if os.geteuid() != 0:
        print(f"The tests need the Debian package {' and '.join(missing)}: install it as root.", file=sys.stderr)
        return 2
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    subprocess.run(["apt-get", "update", "-q"], check=True, env=environment)
    subprocess.run(["apt-get", "install", "-yq", "--no-install-recommends", *missing], check=True, env=environment)
    return 0


if __name__ == "__main__":
    sys.exit(install())
