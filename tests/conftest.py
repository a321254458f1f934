"""Real servers for the tests, on free ports of the loopback address, stopped by their process id at the end."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

sys.path.insert(0, str(Path(__file__).parent))

import database
from database import Postgres, free_port, wait_for
from s3 import bucket

# No test asserts a time. The same examples each time, so that a run says something about what was changed since the
# last; TEST_EXAMPLES=new looks for others.
settings.register_profile("same", deadline=None, derandomize=True)
settings.register_profile("new", deadline=None, print_blob=True)
settings.load_profile(os.environ.get("TEST_EXAMPLES", "same"))


@pytest.fixture(autouse=True)
def nobody_elses_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No test touches the settings or the home of whoever runs it."""
    for name in list(os.environ):
        if name.startswith("NORIA_"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("NORIA_ACTOR", "tester")


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """A PostgreSQL server that tests share."""
    with database.postgres() as found:
        yield found


@pytest.fixture
def postgres_url(postgres: Postgres) -> str:
    """A fresh database on it."""
    return postgres.database()


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
def s3_url(s3_server: str) -> Iterator[str]:
    """A fresh bucket, with the environment set so that every client finds it."""
    with bucket(s3_server) as url:
        yield url
