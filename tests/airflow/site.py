"""Lifecycles on a real Airflow, steps of theirs being pods of the stand-in cluster, all started at once."""

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from airflow.local import stack
from airflow.rest import LIMIT_S, Api
from cluster.cluster import Cluster
from cluster.nodes import Node
from cluster.objects import Object
from database import free_port
from noria import settings
from noria.airflow.exported import run_id
from noria.cli.main import main
from noria.demo import waves
from noria.demo.story import LIFECYCLE
from noria.run.place import open_place
from noria.store import runs

SPACE, IMAGE, POOL = "noria", "noria:tests", "noria.dev/pool"
SRC = Path(settings.__file__).parents[1]
NODES = (
    Node("highmem-0", {POOL: "highmem"}, ((POOL, "highmem", "NoSchedule"),), 4, 6000, starts_after_s=1),
    Node("highcpu-0", {POOL: "highcpu"}, (), 16, 16_000),
    Node("gpu-0", {POOL: "gpu"}, (("nvidia.com/gpu", "present", "NoSchedule"),), 4, 4000, 1, starts_after_s=1),
)
POOLS = f"""
[pods]
namespace = "{SPACE}"
image = "IMAGE"
command = ["{sys.executable}", "-P", "-m", "noria.cli.main"]
config_maps = ["noria", "NAME"]
secrets = ["SECRET"]
home = "HOME"
volumes = [{{ claim = "noria-data", path = "DATA" }}]
deferrable = DEFERRABLE
poll_s = 0.5
log_s = 2

[pools.highcpu]
runs_on = "kubernetes"
cpu = 16
memory_mb = 4000
labels = {{ "{POOL}" = "highcpu" }}

[pools.small]
runs_on = "kubernetes"
cpu = 16
memory_mb = 600
asks_mb = 400
labels = {{ "{POOL}" = "highcpu" }}
larger = "highmem"

[pools.highmem]
runs_on = "kubernetes"
cpu = 4
memory_mb = 5000
labels = {{ "{POOL}" = "highmem" }}
tolerations = [{{ key = "{POOL}", value = "highmem" }}]

[pools.gpu]
runs_on = "kubernetes"
cpu = 4
memory_mb = 3000
gpu = 1
labels = {{ "{POOL}" = "gpu" }}
tolerations = [{{ key = "nvidia.com/gpu" }}]

[pools.nowhere]
runs_on = "kubernetes"
cpu = 64
memory_mb = 4000
labels = {{ "{POOL}" = "highcpu" }}
schedule_timeout_s = 2
"""
LOCAL = '\n[pools.default]\nruns_on = "local"\ncpu = 4\nmemory_mb = 4000\n'
SMALL = """
import os
import time
from pathlib import Path

import noria as nr


def give():
    if os.environ.get("IN_A_POD"):
        ACT
    return [{"x": place, "y": place % 2, "z": 7} for place in range(20)]


made = nr.Lifecycle(
    "NAME",
    collect=nr.Rows(give),
    label="y",
    validate=nr.Validate(rules={"constant": "block"}),
    resources={"STEP": nr.Resources(ASKED)},
)
"""
WAITS = "while not Path('GO').exists(): time.sleep(0.05)"  # until the test has done what it does to the pod
TAKES = "held = bytearray(b'1') * (850 << 20); time.sleep(0.5)"


@dataclass(frozen=True)
class Case:
    """A lifecycle of which only one step is a pod; what collect does in there, and what the step asks for.

    All of them stop at validate, by a column that says nothing: nothing after it is about pods.
    """

    act: str = "pass"
    step: str = "collect"
    asked: str = 'pool="highcpu"'
    image: str = IMAGE
    deferrable: bool = False
    retries: int = 2
    secret: str = "noria-stores"


CASES = {
    "nowhere": Case(asked='pool="nowhere", cpu=40', retries=0),
    "nowhere-deferred": Case(asked='pool="nowhere", cpu=40', deferrable=True, retries=0),
    "imageless": Case(image="noria:none"),
    "imageless-deferred": Case(image="noria:none", deferrable=True),
    "mistaken": Case("raise ValueError('no rows today')"),
    "gated": Case(step="validate"),
    "storeless": Case(secret="noria-stores-away", retries=0),
    "hungry": Case(TAKES, asked='pool="small"'),
    "evicted": Case(WAITS),
    "lost-deferred": Case(WAITS, asked='pool="gpu", gpu=1', deferrable=True),
}


def of(pod: Object, dag: str) -> bool:
    """Whether a pod is of a lifecycle."""
    return bool(pod["metadata"]["labels"]["noria.dev/lifecycle"] == dag)


@dataclass(frozen=True)
class Site:
    """All that the tests of this file share."""

    folder: Path
    cluster: Cluster
    airflow: Api
    started: dict[str, str]  # by DAG: its run

    def states(self, dag: str) -> dict[str, str]:
        return self.airflow.states(dag, self.started[dag])

    def ended(self, dag: str, word: str = "collect") -> tuple[str, int]:
        """How a step ended, and in which try."""

        def look() -> tuple[str, int] | None:
            now = self.airflow.tasks(dag, self.started[dag])[word]
            return (now["state"], now["try_number"]) if now["state"] in ("success", "failed") else None

        found: tuple[str, int] = self.airflow.until(look, f"the end of {word} in {dag}")
        return found

    def log(self, dag: str, attempt: int = 1, task: str = "collect") -> str:
        return self.airflow.log(dag, self.started[dag], task, attempt).replace("\\", "")

    def step(self, dag: str, word: str = "collect") -> runs.StepRun:
        place = open_place(settings.load(self.folder, environ={}))
        with place.store.read() as c:
            row = runs.step(c, run_id(dag, dag, self.started[dag]), word)
        place.store.close()
        return row

    def pods(self, dag: str) -> list[Object]:
        """Every pod of a lifecycle, as it last was."""
        return [one for one in self.cluster.history() if of(one, dag)]

    def running(self, dag: str) -> Object:
        """A pod of a lifecycle, once it runs."""

        def now(pods: list[Object]) -> list[Object]:
            return [one for one in pods if of(one, dag) and one["status"]["phase"] == "Running"]

        return now(self.cluster.wait_for(lambda pods: bool(now(pods)), LIMIT_S))[0]


@contextmanager
def site(folder: Path) -> Iterator[Site]:
    """The cluster, and an Airflow beside it in which every lifecycle was exported and started."""
    (folder / "noria.toml").write_text('actor = "tester"\n')
    dags = folder / ".noria" / "airflow" / "dags"
    dags.mkdir(parents=True)
    (folder / ".noria" / "data").mkdir()
    image = {"PATH": "/usr/bin:/bin", "HOME": str(folder), "PYTHONPATH": str(SRC), "ENTRYPOINT": "noria"}
    with Cluster(NODES, {IMAGE: image}) as cluster:
        _stores(cluster, folder)
        _demo(cluster, folder, dags)
        for name, case in CASES.items():
            _small(cluster, folder, dags, name, case)
        kubeconfig = cluster.kubeconfig(folder / "kubeconfig", SPACE)
        with stack(folder, slots=4) as airflow:
            extra = json.dumps({"kube_config_path": str(kubeconfig)})
            body = {"connection_id": "kubernetes_default", "conn_type": "kubernetes", "extra": extra}
            airflow.ask("POST", "/api/v2/connections", body)
            for dag in ("income", *CASES):
                airflow.unpause(dag)
            yield Site(folder, cluster, airflow, {dag: airflow.trigger(dag) for dag in ("income", *CASES)})


def _stores(cluster: Cluster, folder: Path) -> None:
    home = folder / ".noria"
    cluster.config_map(
        SPACE,
        "noria",
        {"NORIA_DATA": str(home / "data"), "NORIA_ARTIFACTS": str(home / "artifacts"), "IN_A_POD": "yes"},
    )
    cluster.secret(SPACE, "noria-stores", {"NORIA_DB": f"sqlite:///{home / 'noria.db'}"})
    away = f"postgresql://noria:word@127.0.0.1:{free_port()}/noria"  # nobody is there
    cluster.secret(SPACE, "noria-stores-away", {"NORIA_DB": away})


def _export(cluster: Cluster, file: Path, name: str, dags: Path, pools: str, *words: str) -> None:
    cluster.config_map(SPACE, name, {"NORIA_PROJECT": str(file.parent)})
    home = dags.parents[1]
    for word, value in (("NAME", name), ("HOME", str(home)), ("DATA", str(home / "data"))):
        pools = pools.replace(word, value)
    (file.parent / "pools.toml").write_text(pools)
    command = f"{sys.executable} -P -m noria.cli.main"
    given = ["--dags-folder", str(dags), "--pools", str(file.parent / "pools.toml"), "--command", command]
    assert main(["airflow", "export", str(file), *given, "--schedule", "hand", *words]) == 0


def _demo(cluster: Cluster, folder: Path, dags: Path) -> None:
    """The demo's lifecycle, every task of it a pod that its task waits for."""
    (folder / "demo" / "inbox").mkdir(parents=True)
    asks = 'resources={"train": nr.Resources(memory_mb=4500), "analyze": nr.Resources(gpu=1)}'
    text = LIFECYCLE.read_text().replace("    serve=nr.Serve(", f"    {asks},\n    serve=nr.Serve(", 1)
    file = folder / "demo" / "lifecycle.py"
    file.write_text(text)
    waves.first(waves.people()).write_parquet(folder / "demo" / "inbox" / "wave-1.parquet")
    pools = POOLS.replace("IMAGE", IMAGE).replace("SECRET", "noria-stores").replace("DEFERRABLE", "false")
    pools = pools.replace('runs_on = "kubernetes"\n', "")  # the export says it for all
    _export(cluster, file, "income", dags, pools, "--executor", "kubernetes")


def _small(cluster: Cluster, folder: Path, dags: Path, name: str, case: Case) -> None:
    file = folder / name / "lifecycle.py"
    file.parent.mkdir()
    act = case.act.replace("GO", str(folder / name / "go"))
    text = SMALL.replace("ACT", act).replace("NAME", name).replace("ASKED", case.asked)
    file.write_text(text.replace("STEP", case.step))
    pools = POOLS.replace("IMAGE", case.image).replace("SECRET", case.secret)
    pools = pools.replace("DEFERRABLE", str(case.deferrable).lower()) + LOCAL
    _export(cluster, file, name, dags, pools, "--executor", "local", "--retries", str(case.retries))
