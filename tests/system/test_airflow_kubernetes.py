"""Real Airflow, its scheduler, triggerer and task processes, with pods on the stand-in cluster of ``tests/cluster``.

All DAGs run at the same time, as on a busy cluster; each test waits for its own.
"""

import json
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import yaml

from airflow.local import stack
from airflow.rest import LIMIT_S, Api
from cluster.cluster import Cluster
from cluster.nodes import Node
from cluster.objects import Object
from conftest import free_port
from noria import settings
from noria.airflow.exported import run_id
from noria.cli.main import main
from noria.demo import waves
from noria.demo.story import LIFECYCLE
from noria.run.place import open_place
from noria.store import registry, runs

pytestmark = [
    pytest.mark.system,
    pytest.mark.stack,
    pytest.mark.timeout(1800),
    pytest.mark.xdist_group("airflow-kubernetes"),
]
SPACE, IMAGE, POOL = "noria", "noria:tests", "noria.dev/pool"
RBAC = Path(__file__).parents[2] / "deploy" / "airflow" / "rbac.yaml"
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
        labelled = [(one, one["metadata"]["labels"]) for one in self.cluster.history()]
        return [one for one, labels in labelled if labels["noria.dev/lifecycle"] == dag]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    folder = tmp_path_factory.mktemp("pods")
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


def running(site: Site, dag: str) -> Object:
    """A pod of a lifecycle, once it runs."""

    def runs_now(pods: list[Object]) -> bool:
        return any(_of(one, dag) and one["status"]["phase"] == "Running" for one in pods)

    pods = site.cluster.wait_for(runs_now, LIMIT_S)
    return next(one for one in pods if _of(one, dag) and one["status"]["phase"] == "Running")


def _of(pod: Object, dag: str) -> bool:
    return bool(pod["metadata"]["labels"]["noria.dev/lifecycle"] == dag)


def test_what_happens_to_a_pod_brings_its_step_back(site: Site) -> None:
    site.cluster.evict(running(site, "evicted"))
    running(site, "lost-deferred")
    assert len(site.cluster.lose("gpu-0")) == 1
    site.cluster.find("gpu-0")
    for dag, word in (("evicted", "Evicted: The node was low on resource: memory"), ("lost-deferred", "Gone: NodeNot")):
        (site.folder / dag / "go").touch()
        assert site.ended(dag) == ("success", 2)
        assert word in site.log(dag)
        why = site.step(dag).why
        assert why is not None
        assert why[0].startswith(f"its last attempt failed: {word}")


@pytest.mark.parametrize("dag", ["nowhere", "nowhere-deferred"])
def test_what_no_node_has_is_told_where_people_look(site: Site, dag: str) -> None:
    assert site.ended(dag) == ("failed", 1)
    said = r"Unschedulable: 0/\d nodes are available: 1 Insufficient cpu.* \(pod collect-nowhere-\w+, pool nowhere\)"
    assert re.search(said, site.log(dag))
    assert re.match(said, str(site.step(dag).message))


@pytest.mark.parametrize("dag", ["imageless", "imageless-deferred"])
def test_an_image_that_is_not_there_fails_at_once(site: Site, dag: str) -> None:
    assert site.ended(dag) == ("failed", 1)
    said = 'ImagePullBackOff: Back-off pulling image "noria:none"'
    assert said in site.log(dag)
    assert str(site.step(dag).message).startswith(said)


def test_a_step_that_says_itself_what_is_wrong_is_quoted(site: Site) -> None:
    assert site.ended("mistaken") == ("failed", 1)  # the same code would fail again
    said = "give did not give rows: ValueError: no rows today"
    assert f'"exc_type": "DataError", "exc_value": "{said}' in site.log("mistaken")
    assert str(site.step("mistaken").message).startswith(said)


def test_a_gate_that_does_not_hold_in_a_pod_fails_once_with_the_verdict(site: Site) -> None:
    assert site.ended("gated", "validate") == ("failed", 1)
    [pod] = site.pods("gated")
    [ended] = [one["state"]["terminated"] for one in pod["status"]["containerStatuses"]]
    assert ended["exitCode"] == 3
    assert "z: all values are the same" in site.log("gated", 1, "validate")
    row = site.step("gated", "validate")
    assert (row.state, str(row.message).partition(".")[0]) == ("blocked", "z: all values are the same")
    assert site.airflow.wait("gated", site.started["gated"]) == "failed"
    place = open_place(settings.load(site.folder, environ={}))
    with place.store.read() as c:
        assert runs.get(c, run_id("gated", "gated", site.started["gated"])).state == "stopped"
    place.store.close()


def test_a_store_that_a_pod_cannot_reach_is_told_where_it_can_be(site: Site) -> None:
    assert site.ended("storeless") == ("failed", 1)
    assert '"exc_type": "StepFailed", "exc_value": "the database says: connection failed' in site.log("storeless")
    message = str(site.step("storeless").message)
    assert "127.0.0.1" in message
    assert "word" not in message  # of the password


def test_out_of_memory_is_tried_again_in_the_larger_pool(site: Site) -> None:
    assert site.ended("hungry") == ("success", 2)
    first, second = site.pods("hungry")
    assert (first["spec"]["nodeName"], second["spec"]["nodeName"]) == ("highcpu-0", "highmem-0")
    limits = [one["spec"]["containers"][0]["resources"]["limits"]["memory"] for one in (first, second)]
    assert limits == ["856Mi", "1456Mi"]
    assert "OOMKilled: it took more than its 856Mi of memory" in site.log("hungry")


def test_the_demo_turns_in_pods_only(site: Site) -> None:
    assert site.airflow.wait("income", site.started["income"]) == "success"
    states = site.states("income")
    assert set(states.values()) == {"success"}
    pods = {one["metadata"]["labels"]["noria.dev/step"]: one for one in site.pods("income")}
    assert set(pods) == set(states)
    assert {word: pods[word]["spec"]["nodeName"] for word in ("tune", "train", "analyze")} == {
        "tune": "highcpu-0",
        "train": "highmem-0",
        "analyze": "gpu-0",
    }
    assert "train done" in site.log("income", 1, "train")
    place = open_place(settings.load(site.folder, environ={}))
    with place.store.read() as c:
        assert [one.number for one in registry.versions(c, "income")] == [1]
        assert runs.get(c, run_id("income", "income", site.started["income"])).state == "done"
    place.store.close()


def test_nothing_is_left_in_the_cluster_and_nothing_passed_through_airflow(site: Site) -> None:
    site.airflow.wait("income", site.started["income"])
    site.cluster.wait_for(lambda pods: not any(_of(one, "income") for one in pods))
    path = f"/api/v2/dags/income/dagRuns/{site.started['income']}/taskInstances/train/xcomEntries"
    keys = {one["key"] for one in site.airflow.ask("GET", path)["xcom_entries"]}
    assert keys - {"noria_run_link", "noria_report_link"} == {"pod_name", "pod_namespace", "return_value"}
    value = site.airflow.ask("GET", f"{path}/return_value")["value"]
    assert json.loads(value) if isinstance(value, str) else value == {"code": 0, "said": ""}


def test_the_role_that_is_shipped_allows_what_was_done_and_no_more(site: Site) -> None:
    site.airflow.wait("income", site.started["income"])
    site.ended("lost-deferred")
    done = {_right(call) for call in site.cluster.server.calls}
    [role] = [one for one in yaml.safe_load_all(RBAC.read_text()) if one["kind"] == "Role"]
    allowed = {(verb, kind) for rule in role["rules"] for kind in rule["resources"] for verb in rule["verbs"]}
    assert done == allowed


def _right(call: str) -> tuple[str, str]:
    """The verb and the resource of Kubernetes' authorization that a request needs."""
    method, _, path = call.partition(" ")
    address = urlsplit(path)
    parts = address.path.split("/namespaces/", 1)[1].split("/")[1:]
    watches = "watch=true" in address.query.lower()
    many = "watch" if watches else "list"
    verb = {"POST": "create", "PATCH": "patch", "DELETE": "delete"}.get(method, "get" if len(parts) > 1 else many)
    return verb, "/".join([parts[0], *parts[2:]])
