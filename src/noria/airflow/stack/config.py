"""Airflow's configuration in a stack: what is shipped, and what belongs to this machine."""

import json
import os
import subprocess
from collections.abc import Mapping

from noria.airflow.stack import ready, secrets, servers
from noria.airflow.stack.choice import Stack
from noria.airflow.stack.part import Part
from noria.airflow.stack.processes import MARK
from noria.errors import Failure

EXECUTOR = {"local": "LocalExecutor", "celery": "CeleryExecutor"}
KEPT = ("PATH", "HOME", "LANG", "LC_ALL", "TZ", "TMPDIR", "SSL_CERT_FILE")  # of the caller's environment
EXTRA = "extra.env"
START_S = 240  # a machine that is busy may need minutes


def files(stack: Stack) -> list[str]:
    """The shipped files that hold for a stack."""
    broker = ["redis.env"] if stack.choice.broker == "redis" else []
    return ["airflow.env", *(["celery.env", *broker] if stack.choice.executor == "celery" else [])]


def variables(stack: Stack) -> dict[str, str]:
    """The environment of every Airflow process of the stack."""
    shipped = {key: value for name in files(stack) for key, value in servers.environment_file(name).items()}
    return {**_callers(stack), **shipped, **_own(stack), **_broker(stack), **_extra(stack)}


def _extra(stack: Stack) -> dict[str, str]:
    """What the user sets besides: lines of ``extra.env`` in the stack's folder go before everything."""
    file = stack.folder.root / EXTRA
    return servers.lines_of(file.read_text()) if file.exists() else {}


def _callers(stack: Stack) -> dict[str, str]:
    kept = {name: os.environ[name] for name in KEPT if name in os.environ}
    path = f"{stack.folder.environment / 'bin'}:{kept.get('PATH', '/usr/bin:/bin')}"
    credentials = {name: value for name, value in os.environ.items() if name.startswith("AWS_")}
    store = {"NORIA_DB": noria_db(stack)} if stack.choice.executor == "celery" else {}
    return {
        **kept, **credentials, **store, **stack.variables, "PATH": path, "NORIA_HOME": str(stack.folder.home),
        MARK: str(stack.folder.root), "PYTHONUNBUFFERED": "1",
    }  # fmt: skip


def noria_db(stack: Stack) -> str:
    """Where noria keeps its metadata when the stack has a database server."""
    return servers.database(stack, "noria", "postgresql+psycopg")


def tell_noria(stack: Stack) -> None:
    """Let every noria command in this home find the stack's database and Airflow; the user's settings go before."""
    login = stack.folder.root / "login"
    servers.private(login, f"noria:{secrets.passwords(stack.folder)['noria']}\n")
    told = {"airflow": stack.url, "airflow_login": str(login)}
    if stack.choice.executor == "celery" and "NORIA_DB" not in stack.variables:
        told["db"] = noria_db(stack)
    lines = [
        "# Written by 'noria airflow up': where the stack of this home is.",
        *(f"{k} = {json.dumps(v)}" for k, v in told.items()),
    ]
    servers.private(stack.folder.home / "stack.toml", "\n".join(lines) + "\n")


def _own(stack: Stack) -> dict[str, str]:
    known, folder = secrets.of(stack.folder), stack.folder
    secrets.passwords(folder)
    if stack.choice.executor == "celery":
        address = servers.database(stack, "airflow", "postgresql+psycopg2")
    else:
        address = f"sqlite:///{folder.airflow / 'airflow.db'}"
    bundle = {
        "name": "noria",
        "classpath": "airflow.dag_processing.bundles.local.LocalDagBundle",
        "kwargs": {"path": str(folder.dags), "refresh_interval": 5},
    }
    return {
        "AIRFLOW_HOME": str(folder.airflow),
        "AIRFLOW__CORE__EXECUTOR": EXECUTOR[stack.choice.executor],
        "AIRFLOW__CORE__PARALLELISM": str(stack.choice.slots if stack.choice.executor == "local" else 64),
        "AIRFLOW__CORE__DAGS_FOLDER": str(folder.dags),
        "AIRFLOW__DAG_PROCESSOR__DAG_BUNDLE_CONFIG_LIST": json.dumps([bundle]),
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": address,
        "AIRFLOW__CORE__EXECUTION_API_SERVER_URL": f"{stack.url}/execution/",
        "AIRFLOW__API__HOST": "127.0.0.1",
        "AIRFLOW__API__PORT": str(stack.ports["api"]),
        "AIRFLOW__API__WORKERS": "1",
        "AIRFLOW__API__BASE_URL": stack.url,
        "AIRFLOW__API__SECRET_KEY": known["session"],
        "AIRFLOW__API_AUTH__JWT_SECRET": known["jwt"],
        "AIRFLOW__CORE__FERNET_KEY": known["fernet"],
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_USERS": ",".join(f"{n}:{role}" for n, role in secrets.ROLES.items()),
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE": str(folder.root / "passwords.json"),
        "AIRFLOW__LOGGING__BASE_LOG_FOLDER": str(folder.logs / "tasks"),
    }


def _broker(stack: Stack) -> dict[str, str]:
    if stack.choice.executor != "celery":
        return {}
    return {
        "AIRFLOW__CELERY__BROKER_URL": servers.broker_url(stack),
        "AIRFLOW__CELERY__RESULT_BACKEND": servers.database(stack, "airflow", "db+postgresql"),
    }


def migrate(stack: Stack, environment: Mapping[str, str]) -> None:
    """Bring Airflow's database to this version of Airflow."""
    words = [str(stack.folder.environment / "bin" / "airflow"), "db", "migrate"]
    with stack.folder.log("migrate").open("ab") as log:
        done = subprocess.run(words, env=dict(environment), stdout=log, stderr=log, cwd=stack.folder.root)
    if done.returncode != 0:
        raise Failure(
            "Airflow's database cannot be migrated",
            where=str(stack.folder.log("migrate")),
            do="See the end of that log.",
        )


def parts(stack: Stack) -> list[Part]:
    """Airflow's own processes, which may all start at once."""
    environment = variables(stack)

    def part(name: str, *words: str, worker: bool = False) -> Part:
        log = stack.folder.log(name)

        def is_ready(since: int) -> bool:
            if worker:  # Airflow's health does not know Celery workers
                return ready.says(log, b" ready", since)
            return ready.healthy(ready.health(stack.url), name.rstrip("0123456789"))

        command = [str(stack.folder.environment / "bin" / "airflow"), *words]
        return Part(name, command, stack.project, is_ready, variables=environment, start_s=START_S, grace_s=20)

    silent = "--skip-serve-logs"  # their log servers would listen on all addresses; here logs are files
    schedulers = [part(f"scheduler{number + 1}" if number else "scheduler", "scheduler", silent)
                  for number in range(stack.choice.schedulers)]  # fmt: skip
    workers = [
        part(name, "celery", "worker", "-c", str(slots), "-q", queues, "--celery-hostname", f"{name}@localhost",
             silent, worker=True)
        for name, slots, queues in _workers(stack)
    ]  # fmt: skip
    return [
        part("api-server", "api-server"), part("dag-processor", "dag-processor"), *schedulers,
        part("triggerer", "triggerer", silent), *workers,
    ]  # fmt: skip


def _workers(stack: Stack) -> list[tuple[str, int, str]]:
    """Name, slots and queues of each Celery worker."""
    if stack.choice.executor != "celery":
        return []
    general = ",".join(stack.queues)
    own = [(f"worker-{name}", slots, name) for name, slots in stack.choice.pools.items() if slots]
    return [*((f"worker{n + 1}", stack.choice.slots, general) for n in range(stack.choice.workers)), *own]
