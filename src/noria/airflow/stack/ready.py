"""Whether a part answers: asked of the part itself, never guessed from time."""

import json
import socket
import urllib.request
from pathlib import Path
from typing import Any

SECONDS = 3.0  # that one question may take
PARTS_OF_AIRFLOW = {"scheduler": "scheduler", "triggerer": "triggerer", "dag-processor": "dag_processor"}


def listens(port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(SECONDS)
        return probe.connect_ex(("127.0.0.1", port)) == 0


def redis(port: int, password: str) -> bool:
    """Redis answers, and has read what it kept."""
    return b"+PONG" in _say(port, f"AUTH {password}\r\nPING\r\n".encode(), b"PONG")


def amqp(port: int) -> bool:
    """RabbitMQ opens a conversation: it does so when it has started whole."""
    return b"RabbitMQ" in _say(port, b"AMQP\x00\x00\x09\x01", b"RabbitMQ")


def _say(port: int, words: bytes, until: bytes) -> bytes:
    got = b""
    try:
        with socket.create_connection(("127.0.0.1", port), SECONDS) as connection:
            connection.sendall(words)
            while until not in got and (more := connection.recv(4096)):
                got += more
    except OSError:
        return got
    return got


def health(url: str) -> dict[str, Any]:
    """What Airflow says of its parts; empty if it does not answer."""
    try:
        with urllib.request.urlopen(f"{url}/api/v2/monitor/health", timeout=SECONDS) as answer:  # noqa: S310
            found: dict[str, Any] = json.loads(answer.read())
            return found
    except (OSError, ValueError):
        return {}


def healthy(found: dict[str, Any], part: str) -> bool:
    """Whether a part is well by Airflow's own account; of the API server, that it answers and has its database."""
    name = PARTS_OF_AIRFLOW.get(part, "metadatabase")
    return bool(found.get(name, {}).get("status") == "healthy")


def says(log: Path, text: bytes, since: int) -> bool:
    """Whether a log has a text after the place ``since``."""
    try:
        with log.open("rb") as file:
            file.seek(since)
            return text in file.read()
    except FileNotFoundError:
        return False
