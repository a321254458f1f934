"""What Airflow's operators ask the cluster for, built where Airflow lives, without a cluster."""

import json
import subprocess
from dataclasses import replace
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest

from airflow.environment import python
from noria.airflow.exported import Exported
from noria.airflow.pod_manifest import Work, manifest
from noria.plan import Plan, Resources, Step
from noria.pools.pool import Pods, Pool, Pools, Toleration, Volume

pytestmark = pytest.mark.system
PODS = Pods(
    namespace="noria",
    image="registry/noria:0.1.0",
    pull_policy="Always",
    pull_secrets=["registry"],
    service_account="noria-step",
    config_maps=["noria"],
    secrets=["noria-stores"],
    volumes=[Volume("/srv/noria/data", claim="noria-data"), Volume("/etc/noria", secret="noria-subjects")],
    connection="other_cluster",
    deferrable=True,
    poll_s=3.0,
    log_s=20,
    grace_s=45,
)
GPU = Pool(
    name="gpu",
    runs_on="kubernetes",
    cpu=8,
    memory_mb=32_000,
    gpu=2,
    labels={"noria.dev/pool": "gpu"},
    tolerations=[Toleration("nvidia.com/gpu"), Toleration("pool", "gpu", "NoSchedule")],
    gpu_resource="amd.com/gpu",
    priority_class="training",
    schedule_timeout_s=1800,
    startup_timeout_s=700,
)
POOLS = Pools(
    {
        "gpu": GPU,
        "highcpu": Pool("highcpu", runs_on="kubernetes", cpu=16, memory_mb=4000),
        "default": Pool("default", runs_on="celery", cpu=1),
        "quick": Pool("quick", runs_on="celery", cpu=1, queue="fast"),
    },
    PODS,
)
TRAIN = Resources(cpu=2.5, memory_mb=4000, gpu=1)
STEPS = (
    Step("collect", resources=Resources(pool="quick")),
    Step("tune", needs=("collect",), shards=3, resources=Resources(pool="highcpu")),
    Step("train", needs=("tune",), resources=TRAIN),
)


@pytest.fixture(scope="module")
def tasks(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    folder = tmp_path_factory.mktemp("made")
    plan = Plan("loans", STEPS, bundle="b" * 64, entry="lifecycle.py")
    exported = Exported(plan=plan, digest="d" * 64, sweep="", executor="celery", pools=POOLS.to_plain())
    file = folder / "noria_loans.json"
    file.write_text(exported.to_json())
    done = subprocess.run(
        [python(), str(Path(__file__).with_name("pods_made.py")), str(file)], capture_output=True, text=True,
        check=False, cwd=folder, env={"AIRFLOW_HOME": str(folder), "PATH": "/usr/bin:/bin", "HOME": str(folder)},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def test_queues_and_pods_are_mixed_in_one_dag_by_the_pools_of_its_steps(tasks: dict[str, Any]) -> None:
    assert {name: (one["kind"], one["queue"]) for name, one in tasks.items()} == {
        "begin": ("StepOperator", "default"),
        "collect": ("StepOperator", "fast"),
        "tune_trials": ("PodOperator", "default"),
        "tune": ("PodOperator", "default"),
        "train": ("PodOperator", "default"),
        "end": ("StepOperator", "default"),
    }
    assert tasks["tune_trials"]["mapped"] == 3
    assert tasks["tune_trials"]["pools"] == POOLS.to_plain()


def test_a_pod_says_all_that_its_pool_says(tasks: dict[str, Any]) -> None:
    pod = tasks["train"]["pod"]
    kubernetes_validate.validate(pod, "1.34", strict=True)
    words = pod["spec"]["containers"][0]["args"]
    assert (words[0], words[2]) == ("step", "train")
    wanted = manifest(Work("loans", "", "train", words), PODS, GPU, TRAIN)
    assert pod["metadata"]["name"].startswith("train-gpu-")
    assert wanted["metadata"]["labels"].items() <= pod["metadata"]["labels"].items()
    assert pod["metadata"]["annotations"] == wanted["metadata"]["annotations"]
    assert without_nothing(pod["spec"]) == without_nothing(wanted["spec"])


def test_the_waiting_is_as_the_pool_says(tasks: dict[str, Any]) -> None:
    train = tasks["train"]
    assert (train["schedule_timeout_seconds"], train["startup_timeout_seconds"]) == (1800, 700)
    assert (train["deferrable"], train["poll_interval"], train["logging_interval"]) == (True, 3.0, 20)
    assert (train["kubernetes_conn_id"], train["namespace"], train["do_xcom_push"]) == ("other_cluster", "noria", False)
    assert train["termination_grace_period"] == 45
    highcpu = tasks["tune"]
    assert highcpu["schedule_timeout_seconds"] == replace(GPU, schedule_timeout_s=900).schedule_timeout_s


def without_nothing(value: Any) -> Any:
    """Plain data without what says nothing: empty lists and False, which the operator adds."""
    if isinstance(value, dict):
        return {key: without_nothing(one) for key, one in value.items() if one not in ([], False, None)}
    return [without_nothing(one) for one in value] if isinstance(value, list) else value
