"""What Airflow and its broker really go by: asked of Airflow's own configuration, and of the broker."""

import json
import os
import shutil
import socket
import subprocess
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, urlsplit

from noria.airflow.stack import config, debian, servers
from noria.airflow.stack.choice import Folder, Stack, load, read
from noria.airflow.stack.processes import Running
from noria.errors import Failure, UserError

ASK = """
import json, sys
from airflow.configuration import conf
print(json.dumps({name: conf.get(*name.split("."), fallback=None) for name in sys.argv[1:]}))
"""
SECONDS = 60  # that Airflow may take to start, on a machine that is busy
BROKER_S = 5
CREDENTIALS = ("celery.broker_url",)


@dataclass(frozen=True, slots=True)
class Effective:
    """
    airflow
        Values by ``section.option``; None where Airflow has none.
    broker
        ``redis``, ``rabbitmq`` or empty, and its values by name; None where they cannot be read from here.
    running
        Whether they are those of processes that run, or those that the next start would take.
    """

    airflow: Mapping[str, str | None]
    broker: str
    settings: Mapping[str, str] | None
    running: bool


def of_stack(folder: Folder, options: Iterable[str]) -> Effective:
    """Of the stack in a noria home: as its scheduler runs, or as it would start."""
    stack = load(folder)
    if stack is None:
        raise UserError("there is no stack here", where=str(folder.root), do="Start one: noria airflow up.")
    environment, running = config.variables(stack), False
    found = (read(folder.root / "state.json") or {}).get("parts", {}).get("scheduler")
    if found and Running(found["pid"], found["start"]).alive:
        environment, running = _environment_of(found["pid"]), True
    values = _ask(folder.environment / "bin" / "python", options, environment)
    broker = stack.choice.broker
    settings = (
        _rabbitmq_of(stack) if broker == "rabbitmq" and running else _redis(values) if broker == "redis" else None
    )
    return Effective(values, broker, settings, running)


def of_environment(options: Iterable[str]) -> Effective:
    """Of an Airflow that was set up by hand: the one on the PATH, with this environment."""
    found = os.environ.get("NORIA_AIRFLOW_ENVIRONMENT")
    script = Path(found) / "bin" / "airflow" if found else Path(shutil.which("airflow") or "")
    python = script.parent / "python"
    if not script.name or not python.exists():
        raise UserError(
            "there is no Airflow to look at", where="noria doctor --airflow",
            do="Start one here: noria airflow up; or name its virtual environment: NORIA_AIRFLOW_ENVIRONMENT.",
        )  # fmt: skip
    values = _ask(python, options, os.environ)
    scheme = urlsplit(values.get("celery.broker_url") or "").scheme if uses_celery(values) else ""
    broker = "redis" if scheme.startswith("redis") else "rabbitmq" if scheme.startswith("amqp") else ""
    return Effective(values, broker, _redis(values) if broker == "redis" else None, running=False)


def uses_celery(values: Mapping[str, str | None]) -> bool:
    return "CeleryExecutor" in (values.get("core.executor") or "")


def _ask(python: Path, options: Iterable[str], environment: Mapping[str, str]) -> dict[str, str | None]:
    names = sorted({*options, *CREDENTIALS, "core.executor"})
    done = subprocess.run(
        [str(python), "-c", ASK, *names], capture_output=True, text=True, env=dict(environment), timeout=SECONDS
    )
    if done.returncode != 0:
        last = done.stderr.strip().splitlines()[-1:]
        raise Failure(
            f"Airflow's configuration cannot be read: {''.join(last)}", where=str(python), do="Mend it first."
        )
    found: dict[str, str | None] = json.loads(done.stdout.strip().splitlines()[-1])
    return found


def _environment_of(pid: int) -> dict[str, str]:
    words = Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
    return dict(word.decode().split("=", 1) for word in words if b"=" in word)


def _redis(values: Mapping[str, str | None]) -> dict[str, str] | None:
    """Settings of the Redis that Airflow is told to use; None if it does not answer or does not say."""
    address = urlsplit(values.get("celery.broker_url") or "")
    words = [["AUTH", *([unquote(address.username)] if address.username else []), unquote(address.password or "")]]
    words = words if address.password else []
    names = ("maxmemory-policy", "appendonly")
    try:
        with socket.create_connection((address.hostname or "127.0.0.1", address.port or 6379), BROKER_S) as connection:
            file = connection.makefile("rwb")
            for one in [*words, *(["CONFIG", "GET", name] for name in names)]:
                file.write(f"*{len(one)}\r\n".encode() + b"".join(f"${len(w)}\r\n{w}\r\n".encode() for w in one))
            file.flush()
            replies = [_reply(file) for _ in range(len(words) + len(names))]
    except OSError:
        return None
    lists = [reply for reply in replies if isinstance(reply, list) and len(reply) == 2]
    return {str(name): str(value) for name, value in lists} or None


def _reply(file: object) -> str | list[str]:
    line = file.readline().strip()  # type: ignore[attr-defined]
    if line[:1] == b"*":
        return [str(_reply(file)) for _ in range(int(line[1:]))]
    if line[:1] == b"$":
        text = file.read(int(line[1:]) + 2)  # type: ignore[attr-defined]
        return str(text[:-2].decode())
    return str(line.decode())


def _rabbitmq_of(stack: Stack) -> dict[str, str] | None:
    """Settings of the stack's own RabbitMQ; None if it does not answer."""
    words = [debian.needed("rabbitmq", "rabbitmqctl"), "-q", "eval", "application:get_env(rabbit, consumer_timeout)."]
    environment = {"PATH": os.environ.get("PATH", "/usr/bin:/bin"), **servers.rabbitmq_variables(stack)}
    done = subprocess.run(words, capture_output=True, text=True, env=environment, timeout=SECONDS)
    answer = done.stdout.strip()
    if done.returncode != 0 or not answer.startswith("{ok,"):
        return None
    return {"consumer_timeout": answer.removeprefix("{ok,").removesuffix("}")}
