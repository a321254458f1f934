"""A step's pod says what its pool says, and is one that Kubernetes takes."""

import os
import subprocess
import sys
from dataclasses import replace
from typing import Any

import kubernetes_validate
import pytest

from noria.airflow.pod_manifest import Work, label, manifest
from noria.plan import Resources
from noria.pools.pool import Pods, Pool, Toleration, Volume

WORK = Work("loans", "loans-0123456789abcdef", "train", ["step", "loans-0123456789abcdef", "train", "--wait", "90"])
PODS = Pods(
    namespace="noria",
    image="registry/noria:0.1.0",
    pull_policy="Always",
    pull_secrets=["registry"],
    service_account="noria-step",
    config_maps=["noria"],
    secrets=["noria-stores"],
    volumes=[Volume("/srv/noria/data", claim="noria-data"), Volume("/etc/noria", secret="noria-subjects")],
    grace_s=45,
)
POOL = Pool(
    name="gpu",
    cpu=8,
    memory_mb=32_000,
    gpu=2,
    labels={"noria.dev/pool": "gpu"},
    tolerations=[Toleration("nvidia.com/gpu"), Toleration("pool", "gpu", "NoSchedule")],
    priority_class="training",
)
ASKED = Resources(cpu=2.5, memory_mb=4000, gpu=1)


def made(asked: Resources = ASKED, pods: Pods = PODS, pool: Pool = POOL) -> dict[str, Any]:
    return manifest(WORK, pods, pool, asked)


def container(pod: dict[str, Any]) -> dict[str, Any]:
    [found] = pod["spec"]["containers"]
    return found


@pytest.mark.parametrize("version", ["1.30", "1.34"])
@pytest.mark.parametrize("asked", [ASKED, Resources()])
def test_it_is_one_that_kubernetes_takes(version: str, asked: Resources) -> None:
    least = Pods("noria", "noria:1")
    for pods, pool in ((PODS, POOL), (least, Pool("default"))):
        named = made(asked, pods, pool)
        named["metadata"]["name"] = "train"
        kubernetes_validate.validate(named, version, strict=True)


def test_it_goes_to_the_nodes_of_its_pool_and_near_other_pods_of_it() -> None:
    spec = made()["spec"]
    assert spec["nodeSelector"] == {"noria.dev/pool": "gpu"}
    assert spec["tolerations"] == [
        {"key": "nvidia.com/gpu", "operator": "Exists"},
        {"key": "pool", "operator": "Equal", "value": "gpu", "effect": "NoSchedule"},
    ]
    [near] = spec["affinity"]["podAffinity"]["preferredDuringSchedulingIgnoredDuringExecution"]
    assert near["podAffinityTerm"]["topologyKey"] == "kubernetes.io/hostname"
    wanted = near["podAffinityTerm"]["labelSelector"]["matchLabels"]
    assert wanted.items() <= made()["metadata"]["labels"].items()  # it finds those that are like itself
    assert spec["priorityClassName"] == "training"


def test_it_requests_what_the_step_declares_and_may_take_a_little_more_memory() -> None:
    found = container(made())["resources"]
    assert found["requests"] == {"cpu": "2500m", "memory": "4000Mi", "nvidia.com/gpu": "1"}
    assert found["limits"] == {"memory": "4256Mi", "nvidia.com/gpu": "1"}


def test_a_step_computes_on_the_cores_it_asked_for_not_on_all_of_its_node() -> None:
    environment = {one["name"]: one["value"] for one in container(made(Resources(cpu=1)))["env"]}
    words = "import polars; from noria.train import fit; print(fit.CORES, polars.thread_pool_size())"
    clean = {name: value for name, value in os.environ.items() if not name.startswith("NORIA_")}
    done = subprocess.run(
        [sys.executable, "-c", words], capture_output=True, text=True, check=True, env={**clean, **environment}
    )
    assert done.stdout.split() == ["1", "1"]
    assert {"name": "OMP_NUM_THREADS", "value": "3"} in container(made())["env"]


def test_a_step_that_declares_no_memory_may_take_what_a_machine_offers() -> None:
    found = container(made(Resources()))["resources"]
    assert found == {"requests": {"cpu": "1000m", "memory": "1024Mi"}, "limits": {"memory": "32256Mi"}}
    amd = container(made(ASKED, pool=replace(POOL, gpu_resource="amd.com/gpu")))["resources"]
    assert amd["limits"]["amd.com/gpu"] == amd["requests"]["amd.com/gpu"] == "1"


def test_secrets_and_configuration_are_there_by_reference_only() -> None:
    found = container(made())
    assert found["envFrom"] == [{"configMapRef": {"name": "noria"}}, {"secretRef": {"name": "noria-stores"}}]
    assert {one["name"] for one in found["env"]} == {
        "NORIA_HOME", "PYTHONUNBUFFERED", "OMP_NUM_THREADS", "POLARS_MAX_THREADS", "LOKY_MAX_CPU_COUNT"
    }  # fmt: skip
    assert made()["spec"]["imagePullSecrets"] == [{"name": "registry"}]


def test_volumes_are_there_by_name_and_every_pod_has_a_home_of_its_own() -> None:
    volumes = {one["name"]: one for one in made()["spec"]["volumes"]}
    mounts = {one["mountPath"]: one for one in container(made())["volumeMounts"]}
    assert volumes[mounts["/srv/noria/data"]["name"]]["persistentVolumeClaim"]["claimName"] == "noria-data"
    assert volumes[mounts["/etc/noria"]["name"]]["secret"]["secretName"] == "noria-subjects"
    assert (mounts["/etc/noria"]["readOnly"], mounts["/srv/noria/data"]["readOnly"]) == (True, False)
    assert volumes[mounts["/var/lib/noria"]["name"]] == {"name": "home", "emptyDir": {}}
    assert len(mounts) == len(volumes)


def test_it_runs_the_command_once_with_no_rights_and_keeps_the_last_words() -> None:
    pod, found = made(), container(made())
    assert (found["command"], found["args"]) == (["noria"], list(WORK.words))
    assert (pod["spec"]["restartPolicy"], pod["spec"]["automountServiceAccountToken"]) == ("Never", False)
    assert (pod["spec"]["serviceAccountName"], pod["spec"]["terminationGracePeriodSeconds"]) == ("noria-step", 45)
    assert pod["spec"]["securityContext"]["runAsNonRoot"] is True
    assert found["securityContext"]["readOnlyRootFilesystem"] is True
    assert found["terminationMessagePolicy"] == "FallbackToLogsOnError"
    assert (found["image"], found["imagePullPolicy"]) == ("registry/noria:0.1.0", "Always")


def test_labels_tell_whose_pod_it_is() -> None:
    labels = made()["metadata"]["labels"]
    assert labels["noria.dev/run"] == WORK.run
    assert (labels["noria.dev/lifecycle"], labels["noria.dev/step"]) == ("loans", "train")


@pytest.mark.parametrize(("text", "value"), [("a b/c", "a-b-c"), ("--x--", "x"), ("y" * 70, "y" * 63), ("é", "")])
def test_any_text_can_be_a_label(text: str, value: str) -> None:
    assert label(text) == value
