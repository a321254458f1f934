"""PostgreSQL, Redis and RabbitMQ for a stack: their files, their command, whether they answer."""

import os
import shutil
import signal
import subprocess
from collections.abc import Mapping
from pathlib import Path

from noria.airflow.stack import debian, ready, secrets
from noria.airflow.stack.choice import Stack
from noria.airflow.stack.environment import shipped
from noria.airflow.stack.part import Part
from noria.errors import Failure

DATABASES = {"airflow": "airflow_db", "noria": "noria_db"}  # database and its owner: the owner's secret
NODE = "noria@localhost"


def of(stack: Stack) -> list[Part]:
    """The servers that a stack needs, in the order of their start."""
    if stack.choice.executor == "local":
        return []
    return [_postgres(stack), *(_redis(stack) if stack.choice.broker == "redis" else _rabbitmq(stack))]


def broker_url(stack: Stack) -> str:
    word, port = secrets.of(stack.folder)["broker"], stack.ports["broker"]
    if stack.choice.broker == "redis":
        return f"redis://:{word}@127.0.0.1:{port}/0"
    return f"amqp://noria:{word}@127.0.0.1:{port}//"


def database(stack: Stack, name: str, driver: str) -> str:
    """The address of a database of the stack's PostgreSQL."""
    word = secrets.of(stack.folder)[DATABASES[name]]
    return f"{driver}://{name}:{word}@127.0.0.1:{stack.ports['postgres']}/{name}"


# PostgreSQL


def _postgres(stack: Stack) -> Part:
    data, port = stack.postgres, stack.ports["postgres"]
    options = {
        "listen_addresses": "127.0.0.1", "unix_socket_directories": "", "max_connections": "200",
        "password_encryption": "scram-sha-256",
    }  # fmt: skip
    words = [word for key, value in options.items() for word in ("-c", f"{key}={value}")]
    return Part(
        "postgres",
        [debian.needed("postgresql", "postgres"), "-D", str(data), "-p", str(port), *words],
        ready=lambda since: _accepts(stack),
        before=lambda: _init(stack),
        after=lambda: _databases(stack),
        account=debian.account("postgres"),
        cwd=data,
        grace_s=20,
        ends_by=signal.SIGINT,  # it does not wait for clients that stay
    )


def _init(stack: Stack) -> None:
    """Make the data folder; one that a kill left half-made is made again."""
    data, who = stack.postgres, debian.account("postgres")
    made = data / "made"
    if made.exists():
        (data / "postmaster.pid").unlink(missing_ok=True)  # of a server that was killed: this one knows it is alone
        return
    shutil.rmtree(data, ignore_errors=True)
    data.mkdir(parents=True, mode=0o700)
    word = data.parent / f".{data.name}.word"
    word.write_text(secrets.of(stack.folder)["postgres"])
    if who:
        os.chown(data, int(str(who["user"])), int(str(who["group"])))
        os.chown(word, int(str(who["user"])), int(str(who["group"])))
    word.chmod(0o600)
    try:
        _run([debian.needed("postgresql", "initdb"), "-D", str(data), "-U", "noria_admin", "-A", "scram-sha-256",
              f"--pwfile={word}", "-E", "UTF8", "--locale=C"], cwd=data, **who)  # fmt: skip
    finally:
        word.unlink()
    made.touch()


def _psql(stack: Stack, statement: str) -> "subprocess.CompletedProcess[str]":
    words = ["-h", "127.0.0.1", "-p", str(stack.ports["postgres"]), "-U", "noria_admin", "-d", "postgres"]
    return subprocess.run(
        [debian.needed("postgresql", "psql"), *words, "-qAtX", "-v", "ON_ERROR_STOP=1", "-f", "-"],
        capture_output=True, text=True, input=statement,
        env={**os.environ, "PGPASSWORD": secrets.of(stack.folder)["postgres"], "PGCONNECT_TIMEOUT": "3"},
    )  # fmt: skip


def _accepts(stack: Stack) -> bool:
    return _psql(stack, "select 1").returncode == 0


def _databases(stack: Stack) -> None:
    """Airflow's database and noria's, each with an owner of the same name; those that are there stay."""
    known = _psql(stack, "select datname from pg_database").stdout.split()
    for name, secret in DATABASES.items():
        if name in known:
            continue
        word = secrets.of(stack.folder)[secret]
        role = f"do $$ begin create role {name} login; exception when duplicate_object then null; end $$;"
        done = _psql(stack, f"{role} alter role {name} password '{word}'; create database {name} owner {name};")
        if done.returncode != 0:
            raise Failure(f"database {name} cannot be made: {done.stderr.strip()}", where="postgres", do="See its log.")


# Redis


def _redis(stack: Stack) -> list[Part]:
    data, port, word = stack.folder.root / "redis", stack.ports["broker"], secrets.of(stack.folder)["broker"]
    file = data / "redis.conf"

    def before() -> None:
        data.mkdir(exist_ok=True)
        lines = [
            f'include "{shipped("redis.conf")}"', "bind 127.0.0.1", f"port {port}", f'dir "{data}"',
            "daemonize no", f"requirepass {word}",
        ]  # fmt: skip
        private(file, "\n".join(lines) + "\n")

    command = [debian.needed("redis", "redis-server"), str(file)]
    return [Part("redis", command, ready=lambda since: ready.redis(port, word), before=before, cwd=stack.folder.root)]


# RabbitMQ


def _rabbitmq(stack: Stack) -> list[Part]:
    data, port = stack.folder.root / "rabbitmq", stack.ports["broker"]
    variables = rabbitmq_variables(stack)

    def before() -> None:
        data.mkdir(exist_ok=True)
        own = [
            f"listeners.tcp.1 = 127.0.0.1:{port}", "default_user = noria",
            f"default_pass = {secrets.of(stack.folder)['broker']}", "log.console = true", "log.file = false",
        ]  # fmt: skip
        private(data / "rabbitmq.conf", shipped("rabbitmq.conf").read_text() + "\n".join(own) + "\n")
        private(data / ".erlang.cookie", secrets.of(stack.folder)["cookie"], 0o400)
        (data / "plugins").write_text("[].\n")

    epmd = [debian.needed("rabbitmq", "epmd"), "-port", str(stack.ports["epmd"]), "-address", "127.0.0.1"]
    server = [debian.needed("rabbitmq", "rabbitmq-server")]
    listens = stack.ports["epmd"]
    root = stack.folder.root
    return [
        Part("epmd", epmd, ready=lambda since: ready.listens(listens), variables=variables, cwd=root),
        Part("rabbitmq", server, ready=lambda since: ready.amqp(port), before=before, variables=variables,
             cwd=root, start_s=180, grace_s=30),
    ]  # fmt: skip


def rabbitmq_variables(stack: Stack) -> Mapping[str, str]:
    """Environment of RabbitMQ and its commands: everything in the stack's folder, nothing beyond this machine."""
    data = stack.folder.root / "rabbitmq"
    return {
        **environment_file("rabbitmq.env"),
        "HOME": str(data),
        "ERL_EPMD_PORT": str(stack.ports["epmd"]),
        "RABBITMQ_NODENAME": NODE,
        "RABBITMQ_DIST_PORT": str(stack.ports["rabbitmq"]),
        "RABBITMQ_CONFIG_FILE": str(data / "rabbitmq.conf"),
        "RABBITMQ_CONF_ENV_FILE": str(data / "none"),
        "RABBITMQ_ENABLED_PLUGINS_FILE": str(data / "plugins"),
        "RABBITMQ_MNESIA_BASE": str(data / "mnesia"),
        "RABBITMQ_LOG_BASE": str(data / "log"),
        "RABBITMQ_PID_FILE": str(data / "pid"),
        "RABBITMQ_CTL_ERL_ARGS": "-kernel inet_dist_use_interface {127,0,0,1}",
    }


def environment_file(name: str) -> dict[str, str]:
    """``NAME=VALUE`` lines of a file that comes with noria."""
    return lines_of(shipped(name).read_text())


def lines_of(text: str) -> dict[str, str]:
    """``NAME=VALUE`` lines; empty ones and comments do not count."""
    lines = (line.strip() for line in text.splitlines())
    return dict(line.split("=", 1) for line in lines if "=" in line and not line.startswith("#"))


def private(path: Path, text: str, mode: int = 0o600) -> None:
    """Write a file that only its owner may read, whatever was there."""
    path.unlink(missing_ok=True)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "w") as file:
        file.write(text)


def _run(words: list[str], cwd: Path, **account: object) -> None:
    done = subprocess.run(words, capture_output=True, text=True, cwd=cwd, **account)  # type: ignore[call-overload]
    if done.returncode != 0:
        last = (done.stderr.strip() or done.stdout.strip()).splitlines()[-1:]
        raise Failure(f"{Path(words[0]).name}: {''.join(last)}", where=str(cwd), do="See to it and start again.")
