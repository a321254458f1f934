"""A real PostgreSQL server of a test's own, which it may stop and start again."""

import os
import pwd
import signal
import socket
import subprocess
import tempfile
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from servers import program


def free_port() -> int:
    """A port that nobody listens on at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_for(port: int, process: "subprocess.Popen[bytes]", seconds: float = 60) -> None:
    """Until somebody listens on the port; an error if the process ends before or time runs out."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if process.poll() is not None:
            raise RuntimeError(f"the server ended with {process.returncode}")
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise TimeoutError(f"nobody listens on port {port}")


class Postgres:
    """Keeps its data in ``folder``, one that PostgreSQL's account can enter; ``url`` names no database."""

    def __init__(self, folder: Path) -> None:
        initdb, server = program("initdb"), program("postgres")
        assert initdb, "PostgreSQL is missing: make test installs it"
        assert server, "PostgreSQL is missing: make test installs it"
        self._folder, self._data, self._server = folder, folder / "data", server
        self._who: dict[str, Any] = {}
        if os.geteuid() == 0:  # PostgreSQL refuses to run as root
            account = pwd.getpwnam("postgres")
            os.chown(folder, account.pw_uid, account.pw_gid)
            self._who = {"user": account.pw_uid, "group": account.pw_gid, "extra_groups": []}
        subprocess.run(
            [initdb, "-D", self._data, "-U", "noria", "-A", "trust", "--no-sync", "-E", "UTF8", "--locale=C"],
            check=True, stdout=subprocess.DEVNULL, cwd=folder, **self._who,
        )  # fmt: skip
        self.port = free_port()
        self.url = f"postgresql+psycopg://noria@127.0.0.1:{self.port}"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it and wait until it listens."""
        options = {"listen_addresses": "127.0.0.1", "unix_socket_directories": self._folder, "fsync": "off"}
        words = [word for key, value in options.items() for word in ("-c", f"{key}={value}")]
        self._process = subprocess.Popen(
            [self._server, "-D", self._data, "-p", str(self.port), *words],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=self._folder, **self._who,
        )  # fmt: skip
        wait_for(self.port, self._process)

    def stop(self) -> None:
        """End it, whoever is connected."""
        if self._process is not None:
            self._process.send_signal(signal.SIGINT)
            self._process.wait(30)
            self._process = None

    def database(self) -> str:
        """The URL of a fresh database."""
        import psycopg

        name = f"t{uuid.uuid4().hex[:12]}"
        address = self.url.replace("+psycopg", "")
        for _ in range(100):
            try:
                with psycopg.connect(f"{address}/postgres", autocommit=True) as connection:
                    connection.execute(f'CREATE DATABASE "{name}"')
                return f"{self.url}/{name}"
            except psycopg.OperationalError:  # it listens a moment before it accepts
                time.sleep(0.1)
        raise TimeoutError("PostgreSQL does not accept connections")


@contextmanager
def postgres() -> Iterator[Postgres]:
    """A server with a folder of its own, stopped at the end."""
    with tempfile.TemporaryDirectory(prefix="noria-pg-") as folder:
        found = Postgres(Path(folder))
        found.start()
        try:
            yield found
        finally:
            found.stop()
