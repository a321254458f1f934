"""Real servers for the tests, on free ports of the loopback address, stopped by their process id at the end."""

import os
import pwd
import socket
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

sys.path.insert(0, str(Path(__file__).parent))

from servers import program

settings.register_profile("noria", deadline=None)  # no test asserts a time
settings.load_profile("noria")


def free_port() -> int:
    """A port that nobody listens on at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture(autouse=True)
def nobody_elses_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No test touches the settings or the home of whoever runs it."""
    for name in list(os.environ):
        if name.startswith("NORIA_"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("NORIA_ACTOR", "tester")


def wait_for(port: int, process: subprocess.Popen[bytes], seconds: float = 60) -> None:
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


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    """The address of a PostgreSQL server of our own, without a database name."""
    initdb, server = program("initdb"), program("postgres")
    assert initdb, "PostgreSQL is missing: make test installs it"
    assert server, "PostgreSQL is missing: make test installs it"
    with tempfile.TemporaryDirectory(prefix="noria-pg-") as folder:
        data, port = Path(folder) / "data", free_port()
        who = {}
        if os.geteuid() == 0:  # PostgreSQL refuses to run as root
            account = pwd.getpwnam("postgres")
            os.chown(folder, account.pw_uid, account.pw_gid)
            who = {"user": account.pw_uid, "group": account.pw_gid, "extra_groups": []}
        subprocess.run(
            [initdb, "-D", data, "-U", "noria", "-A", "trust", "--no-sync", "-E", "UTF8", "--locale=C"],
            check=True, stdout=subprocess.DEVNULL, cwd=folder, **who,
        )  # fmt: skip
        options = {"listen_addresses": "127.0.0.1", "unix_socket_directories": folder, "fsync": "off"}
        words = [word for key, value in options.items() for word in ("-c", f"{key}={value}")]
        process = subprocess.Popen(
            [server, "-D", data, "-p", str(port), *words],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=folder, **who,
        )  # fmt: skip
        try:
            wait_for(port, process)
            yield f"postgresql+psycopg://noria@127.0.0.1:{port}"
        finally:
            process.terminate()
            process.wait(30)


@pytest.fixture
def postgres_url(postgres: str) -> str:
    """A fresh database on the real server."""
    import psycopg

    name = f"t{uuid.uuid4().hex[:12]}"
    address = postgres.replace("+psycopg", "")
    for _ in range(100):
        try:
            with psycopg.connect(f"{address}/postgres", autocommit=True) as connection:
                connection.execute(f'CREATE DATABASE "{name}"')
            return f"{postgres}/{name}"
        except psycopg.OperationalError:  # it listens a moment before it accepts
            time.sleep(0.1)
    raise TimeoutError("PostgreSQL does not accept connections")


@pytest.fixture(scope="session")
def s3_server() -> Iterator[str]:
    """The address of an S3 endpoint in a process of its own."""
    port = free_port()
    process = subprocess.Popen(
        [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        wait_for(port, process)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(30)


@pytest.fixture
def s3_url(s3_server: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """A fresh bucket, with the environment set so that every client finds it."""
    import boto3

    for name, value in {
        "AWS_ENDPOINT_URL": s3_server, "AWS_REGION": "us-east-1", "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test",
    }.items():  # fmt: skip
        monkeypatch.setenv(name, value)
    bucket = f"b{uuid.uuid4().hex[:12]}"
    boto3.client("s3").create_bucket(Bucket=bucket)
    return f"s3://{bucket}/artifacts"
