"""A project whose steps wait in mid-work for a test, on a real Airflow with Celery; its processes, to be killed."""

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import projects
from airflow import environment
from airflow.rest import Api
from noria.airflow.stack import ports
from noria.cli.main import main

WAITS = '''

def clean(table):
    wait_for_the_test("preprocess")
    return clean_age(table)

def wait_for_the_test(word):
    """Say that this process is in mid-work, and stay there as long as the test holds it."""
    import os, time
    from pathlib import Path

    folder = Path({control!r})
    mark = folder.joinpath(f"{name}.{{word}}.{{os.getpid()}}")
    mark.with_name(mark.name + "~").write_text(os.environ.get("NORIA_TASK", ""))  # none where it is served
    mark.with_name(mark.name + "~").replace(mark)  # whole, or not there
    while folder.joinpath(f"hold.{name}.{{word}}").exists():
        time.sleep(0.02)
'''


@dataclass
class Stack:
    """A stack that runs, its REST API, and the folder through which the tests hold its steps."""

    project: Path
    control: Path
    api: Api

    @property
    def home(self) -> Path:
        return self.project / ".noria"

    @property
    def database(self) -> str:
        """Where noria's records are, for psycopg."""
        import tomllib

        return str(tomllib.loads((self.home / "stack.toml").read_text())["db"]).replace("+psycopg", "")

    def noria(self, *words: str, code: int = 0, environ: Mapping[str, str] | None = None) -> str:
        """What a command of noria prints in the project's folder."""
        return noria(self.project, *words, code=code, environ=environ)

    def pid(self, part: str) -> int:
        """The process of a part of the stack."""
        found = json.loads((self.home / "airflow" / "state.json").read_text())["parts"][part]
        return int(found["pid"])

    def lifecycle(
        self, name: str, pool: str = "default", *options: str, edit: Callable[[str], str] = lambda text: text
    ) -> None:
        """Declare one more lifecycle and export it with ``options``; its preprocessing waits for the test."""
        text = projects.LIFECYCLE.replace('"loans"', f'"{name}"').replace("inbox/*.csv", f"inbox-{name}/*.csv")
        text = text.replace(
            "    release=", f'    resources={{"preprocess": nr.Resources(pool="{pool}")}},\n    release='
        )
        text = text.replace('sampler="grid"', 'sampler="grid", trials=2').replace(
            "nr.choice(0.1, 1.0)", "nr.choice(0.5)"
        )
        text = text.replace("FunctionTransformer(clean_age)", "FunctionTransformer(clean)")
        file = self.project / f"{name}.py"
        file.write_text(edit(text) + WAITS.format(control=str(self.control), name=name))
        self.arrive(name, "1", 300)
        words = ["--dags-folder", str(self.home / "airflow" / "dags"), "--executor", "celery", "--sweep", "never"]
        with contextlib.chdir(self.project):  # in this process: a lifecycle more is no second of imports more
            assert main(["airflow", "export", file.name, *words, *options, "--json"]) == 0

    def arrive(self, name: str, file: str, count: int) -> None:
        """New rows for a lifecycle."""
        folder = self.project / f"inbox-{name}"
        folder.mkdir(exist_ok=True)
        seed = zlib.crc32(f"{name} {file}".encode()) % 90_000  # each lifecycle has rows of its own
        projects.rows(count, seed=seed, first=10 * seed).write_csv(folder / f"{file}.csv")

    def begin(self, name: str) -> str:
        """An event for a lifecycle's dataset, by the account that noria itself uses; the run that it starts."""
        before = len(self.api.runs(name))
        Api.of(self.home, self.api.url, "noria").event(f"noria://dataset/{name}")
        return self.api.run(name, before + 1)

    def hold(self, name: str) -> None:
        """Keep the lifecycle's preprocessing in mid-work from now on."""
        (self.control / f"hold.{name}.preprocess").touch()

    def release(self, name: str) -> None:
        (self.control / f"hold.{name}.preprocess").unlink()

    def at_work(self, name: str, besides: Sequence[int] = ()) -> int:
        """The process that preprocesses for a lifecycle, once there is one that is not among ``besides``."""
        return int(self.api.until(lambda: self.is_at_work(name, besides), f"{name} to preprocess"))

    def is_at_work(self, name: str, besides: Sequence[int] = ()) -> int:
        """The process that preprocesses for a lifecycle now; 0 if none does."""
        found = {int(path.suffix[1:]) for path in self.control.glob(f"{name}.preprocess.*[0-9]")}
        return next((pid for pid in found - set(besides) if parent(pid)), 0)

    def kill(self, what: str, name: str, step: int) -> None:
        """Kill one of ``KILLED`` at the lifecycle's step; only what Celery runs for this stack is ever killed."""
        runner = int((self.control / f"{name}.preprocess.{step}").read_text())
        supervisor, worker = parent(runner), parent(parent(runner))
        chosen = {
            "the step's process": [step],
            "the task runner": [runner],
            "the supervisor": [supervisor],
            "Celery's main process": [worker],
            "the whole worker": [*family(worker), step],
        }[what]
        assert worker in {self.pid(part) for part in self.workers()}, f"{worker} is no worker of this stack"
        assert set(chosen) <= {*family(worker), step}, f"{chosen} are not all of this stack"
        kill(*chosen)

    def workers(self) -> list[str]:
        """The Celery workers among the parts of the stack."""
        found = json.loads((self.home / "airflow" / "state.json").read_text())["parts"]
        return [name for name in found if name.startswith("worker")]

    def records(self, query: str, *values: object) -> list[tuple[Any, ...]]:
        """Rows of noria's own records."""
        import psycopg

        with psycopg.connect(self.database) as connection:
            return connection.execute(query, values).fetchall()

    def must_be_committed_once(self, name: str) -> None:
        """The lifecycle's one run is done, each step of it once, and data and model have one version each."""
        assert self.records("select state, count(*) from run where lifecycle = %s group by state", name) == [
            ("done", 1)
        ]
        rows = self.records(
            "select s.step, count(*), min(s.state) from step_run s join run r on r.id = s.run_id"
            " where r.lifecycle = %s and s.shard = 0 group by s.step", name
        )  # fmt: skip
        assert {(count, state) for _, count, state in rows} == {(1, "done")}
        assert self.records("select count(*) from model_version where model = %s", name) == [(1,)]
        assert self.records("select count(*) from dataset_version where dataset = %s", name) == [(1,)]

    def attempts(self, name: str) -> int:
        """How many attempts the lifecycle's preprocessing took."""
        query = "select attempt from step_run s join run r on r.id = run_id where lifecycle = %s and step = %s"
        return int(self.records(query, name, "preprocess")[0][0])


@contextmanager
def stack(broker: str, *options: str, artifacts: str = "") -> Iterator[Stack]:
    """``noria airflow up`` with Celery, as it is shipped, in a folder of its own; at the end all is down and gone."""
    folder = Path(tempfile.mkdtemp(prefix="noria-airflow-"))
    folder.chmod(0o755)  # PostgreSQL's own account must get in
    (folder / "control").mkdir()
    root = folder / ".noria" / "airflow"
    if artifacts:
        (folder / "noria.toml").write_text(f"artifacts = {json.dumps(artifacts)}\n")
    (folder / "features.py").write_text(projects.FEATURES)
    try:
        words = ("--executor", "celery", "--broker", broker, "--port", str(ports.another()), *options)
        found = json.loads(noria(folder, "airflow", "up", *words, "--json"))
        yield Stack(folder, folder / "control", Api.of(folder / ".noria", found["url"]))
    finally:
        noria(folder, "airflow", "down", "--json")
        left = marked(root)
        shutil.rmtree(folder)
        assert left == [], f"left running: {left}"


def noria(
    folder: Path, *words: str, code: int = 0, seconds: float = 600, environ: Mapping[str, str] | None = None
) -> str:
    """A command line, run to its end with ``environ`` besides; its output."""
    clean = {key: value for key, value in os.environ.items() if not key.startswith("NORIA_")}
    clean["NORIA_AIRFLOW_ENVIRONMENT"] = str(environment.python().parent.parent)
    done = subprocess.run(
        [sys.executable, "-m", "noria.cli.main", *words],
        cwd=folder, env={**clean, **(environ or {})}, capture_output=True, text=True, timeout=seconds, check=False,
    )  # fmt: skip
    assert done.returncode == code, f"noria {' '.join(words)}: {done.returncode}\n{done.stdout}\n{done.stderr}"
    return done.stdout


def marked(root: Path) -> list[int]:
    """Processes that carry the mark of a stack."""
    from noria.airflow.stack import processes

    return [pid for pid, _ in processes.marked(root)]


def parent(pid: int) -> int:
    """The parent of a process; 0 if it has ended."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0
    return 0 if fields[0] in "ZX" else int(fields[1])


def family(pid: int) -> list[int]:
    """A process and all that descend from it."""
    assert pid > 1, "everything descends from the first process"
    children: dict[int, list[int]] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal():
            children.setdefault(parent(int(entry.name)), []).append(int(entry.name))
    found = [pid]
    for one in found:
        found += children.get(one, [])
    return found


def kill(*pids: int) -> None:
    """End processes at once, as the kernel or a lost machine does."""
    assert all(pid > 1 for pid in pids), f"{pids} are not all processes of ours"
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


KILLED = (
    "the step's process",
    "the task runner",  # Airflow's, which ordered the step's command
    "the supervisor",  # the child of Celery's pool
    "Celery's main process",
    "the whole worker",
)


def wait_until(holds: Callable[[], bool], what: str, seconds: float = 600) -> None:
    end = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > end:
            raise TimeoutError(f"waited {seconds:g} s for {what}")
        time.sleep(0.05)
