"""noria airflow up, down, status, logs: what they refuse, in a sentence; what is kept, and who may read it."""

import os
import signal
import socket
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from airflow.celery import parent, wait_until
from noria.airflow.stack import choice, config, debian, environment, ports, processes, secrets, servers
from noria.airflow.stack.choice import Choice, Folder, Stack
from noria.cli.main import main
from noria.errors import UserError


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Folder:
    monkeypatch.chdir(tmp_path)
    found = Folder(tmp_path / ".noria" / "airflow")
    found.make()
    return found


def stack(folder: Folder, wanted: Choice) -> Stack:
    chosen = {"api": 1, "postgres": 2, "broker": 3, "epmd": 4, "rabbitmq": 5}
    return Stack(folder, wanted, chosen, folder.root / "postgres", folder.home.parent, {})


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["up", "--executor", "docker"], "no executor 'docker' (--executor). Give local or celery."),
        (["up", "--executor", "celery", "--broker", "kafka"], "no broker 'kafka' (--broker). Give redis or rabbitmq."),
        (["up", "--workers", "0"], "workers is 0 (--workers). Give at least 1."),
        (["up", "--pool", "gpu=many"], "no pool 'gpu=many' (--pool)."),
        (["up", "--schedulers", "2"], "several schedulers need PostgreSQL"),
        (["status"], "there is no Airflow stack here"),
        (["down"], "there is no Airflow stack here"),
        (["logs", "scheduler"], "there is no Airflow stack here"),
    ],
)
def test_a_mistake_is_one_sentence(
    folder: Folder, words: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["airflow", *words]) == 2
    assert capsys.readouterr().err.startswith(f"noria: {said}")


def test_an_environment_without_airflow_and_a_taken_port_are_told_before_anything_starts(
    folder: Folder, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("NORIA_AIRFLOW_ENVIRONMENT", str(folder.root))
    assert main(["airflow", "up"]) == 2
    assert "there is no Airflow (NORIA_AIRFLOW_ENVIRONMENT=" in capsys.readouterr().err
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        with pytest.raises(UserError, match="is taken by another program"):
            ports.must_be_free("api", taken.getsockname()[1])


def test_missing_servers_are_named_with_the_command_that_installs_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(debian, "program", lambda server, name: None)
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    with pytest.raises(UserError, match="packages postgresql and rabbitmq-server are missing") as error:
        debian.install(Choice("celery", "rabbitmq").parts_of_debian, print)
    assert "apt-get install --no-install-recommends postgresql rabbitmq-server" in str(error.value)


def test_secrets_are_made_once_and_only_their_owner_reads_them(folder: Folder) -> None:
    here = stack(folder, Choice("celery", "redis"))
    config.tell_noria(here)
    before, known = secrets.of(folder), secrets.passwords(folder)
    assert (secrets.of(folder), secrets.passwords(folder)) == (before, known)
    assert len(set(before.values()) | set(known.values())) == len(before) + len(known)
    files = [folder.root / name for name in ("secrets.json", "passwords.json", "login")]
    for file in [*files, folder.home / "stack.toml"]:
        assert stat.S_IMODE(file.stat().st_mode) == 0o600, file


def test_what_was_chosen_is_found_again_and_ports_stay_the_same(folder: Folder) -> None:
    here = stack(folder, Choice("celery", "rabbitmq", workers=3, pools={"gpu": 1, "highmem": 0}, schedulers=2))
    choice.save(here)
    assert choice.load(folder) == here
    again = ports.settle(["api", "broker", "new"], {"api": 7, "broker": 8}, 0)
    assert (again["api"], again["broker"]) == (7, 8)
    assert len({*again.values()}) == 3
    assert ports.settle(["api"], {"api": 7}, 9) == {"api": 9}


def test_every_pool_has_a_worker_that_serves_it(folder: Folder) -> None:
    here = stack(folder, Choice("celery", "redis", workers=2, slots=3, pools={"gpu": 1, "highmem": 0}))
    commands = {part.name: list(part.command) for part in config.parts(here) if part.name.startswith("worker")}
    served = {name: words[words.index("-q") + 1].split(",") for name, words in commands.items()}
    general = ["default", "highmem"]
    assert served == {"worker1": general, "worker2": general, "worker-gpu": ["gpu"]}


def test_airflow_runs_on_exactly_the_shipped_settings_and_the_users_own_go_before(folder: Folder) -> None:
    here = stack(folder, Choice("celery", "redis"))
    assert servers.environment_file("airflow.env").items() <= config.variables(here).items()
    assert servers.environment_file("redis.env").items() <= config.variables(here).items()
    (folder.root / config.EXTRA).write_text("# mine\nAIRFLOW__CELERY__TASK_ACKS_LATE=False\n")
    assert config.variables(here)["AIRFLOW__CELERY__TASK_ACKS_LATE"] == "False"


def test_every_shipped_file_is_there(folder: Folder) -> None:
    names = ("airflow.env", "celery.env", "redis.env", "redis.conf", "rabbitmq.conf", "rabbitmq.env", "airflow.lock")
    assert all(environment.shipped(name).is_file() for name in names)


def test_what_a_part_left_behind_is_ended_with_it(folder: Folder) -> None:
    code = "import subprocess, sys; print(subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(99)']).pid)"
    log = folder.log("part")
    running = processes.start(
        [sys.executable, "-uc", f"{code}; import time; time.sleep(99)"], log=log, cwd=folder.root, account={},
        environment={processes.MARK: str(folder.root), "PATH": os.environ["PATH"]},
    )  # fmt: skip
    wait_until(lambda: log.read_text().strip().isdecimal(), "the part to start its child")
    child = int(log.read_text())
    os.kill(running.pid, signal.SIGKILL)
    wait_until(lambda: not running.alive, "the part to end")
    assert parent(child)
    processes.end_group(running.pid, folder.root)
    assert not parent(child)


def test_a_number_that_another_process_has_now_is_not_ours() -> None:
    with subprocess.Popen([sys.executable, "-c", "pass"]) as process:
        start = processes.start_of(process.pid)
    assert start is not None
    assert not processes.Running(os.getpid(), start).alive
    assert processes.Running(os.getpid(), processes.start_of(os.getpid()) or "").alive
    processes.stop([processes.Running(os.getpid(), "0")], 0)  # and it is not ended
