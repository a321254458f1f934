"""The stand-in does what a cluster does, as far as the tests of pods rely on it."""

import json
import sys
import time
from collections.abc import Iterator, Mapping
from typing import Any

import httpx
import pytest

from cluster.cluster import Cluster
from cluster.nodes import Node, choose, quantity
from cluster.objects import Object, selected

NODES = (
    Node("highmem-0", {"pool": "highmem"}, (("pool", "highmem", "NoSchedule"),), cpu=4, memory_mb=64_000),
    Node("highcpu-0", {"pool": "highcpu"}, cpu=16, memory_mb=8_000),
    Node("gpu-0", {"pool": "gpu"}, (("nvidia.com/gpu", "", "NoSchedule"),), 8, 32_000, gpu=1, starts_after_s=0.3),
)
PATH = "/usr/bin:/bin"
IMAGE = {"PATH": PATH, "ENTRYPOINT": "sh", "HOME": "/"}


@pytest.fixture
def cluster() -> Iterator[Cluster]:
    with Cluster(NODES, {"tools:1": IMAGE}) as made:
        yield made


@pytest.fixture
def api(cluster: Cluster) -> Iterator[httpx.Client]:
    headers = {"Authorization": f"Bearer {cluster.token}"}
    with httpx.Client(base_url=f"{cluster.address}/api/v1/namespaces/noria", headers=headers, timeout=20) as client:
        yield client


def pod(name: str, script: str = "true", pool: str = "highcpu", **spec: Any) -> Object:
    container: dict[str, Any] = {
        "name": "base",
        "image": spec.pop("image", "tools:1"),
        "command": ["sh", "-c", script],
        "resources": {"requests": spec.pop("requests", {}), "limits": spec.pop("limits", {})},
        "terminationMessagePolicy": "FallbackToLogsOnError",
        **spec.pop("container", {}),
    }
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "labels": {"app": name, "pool": pool}},
        "spec": {"containers": [container], "restartPolicy": "Never", "nodeSelector": {"pool": pool}, **spec},
    }


def make(api: httpx.Client, one: Object) -> None:
    assert api.post("pods", json=one).status_code == 201


def phase(name: str, *phases: str) -> Any:
    return lambda pods: any(one["metadata"]["name"] == name and one["status"]["phase"] in phases for one in pods)


def ended(cluster: Cluster, name: str) -> Mapping[str, Any]:
    [found] = [one for one in cluster.wait_for(phase(name, "Succeeded", "Failed")) if one["metadata"]["name"] == name]
    return found["status"]["containerStatuses"][0]["state"]["terminated"]


def reasons(api: httpx.Client, name: str) -> dict[str, str]:
    found = api.get("events", params={"fieldSelector": f"involvedObject.name={name}"}).json()["items"]
    return {event["reason"]: event["message"] for event in found}


def test_a_command_really_runs_and_its_end_log_and_last_words_can_be_read(cluster: Cluster, api: httpx.Client) -> None:
    make(api, pod("fails", "echo one; echo two >&2; exit 3"))
    end = ended(cluster, "fails")
    assert (end["exitCode"], end["reason"], end["message"]) == (3, "Error", "one\ntwo\n")
    assert api.get("pods/fails/log").text == "one\ntwo\n"
    stamped = api.get("pods/fails/log", params={"timestamps": "True", "follow": "true"}).text
    assert [line.partition("Z ")[2] for line in stamped.splitlines()] == ["one", "two"]


def test_environment_comes_from_what_the_pod_refers_to(cluster: Cluster, api: httpx.Client) -> None:
    cluster.config_map("noria", "settings", {"NORIA_DATA": "/data"})
    cluster.secret("noria", "stores", {"NORIA_DB": "postgresql://user:word@host/db"})
    refer = {
        "envFrom": [{"configMapRef": {"name": "settings"}}, {"secretRef": {"name": "stores"}}],
        "env": [{"name": "POD", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}}],
    }
    make(api, pod("shows", "echo $POD $NORIA_DATA $NORIA_DB; env | wc -l", container=refer))
    assert ended(cluster, "shows")["exitCode"] == 0
    shown = api.get("pods/shows/log").text
    assert shown.splitlines()[0] == "shows /data postgresql://user:word@host/db"
    assert int(shown.splitlines()[1]) < 10  # nothing of the tests' own environment
    missing = {"envFrom": [{"secretRef": {"name": "nobody"}}]}
    make(api, pod("lacks", container=missing))
    [held] = [
        one
        for one in cluster.wait_for(lambda pods: any("containerStatuses" in it["status"] for it in pods[1:]))
        if one["metadata"]["name"] == "lacks"
    ]
    waiting = held["status"]["containerStatuses"][0]["state"]["waiting"]
    assert waiting == {"reason": "CreateContainerConfigError", "message": 'secret "nobody" not found'}


def test_pods_share_a_node_while_they_fit_and_wait_when_not(cluster: Cluster, api: httpx.Client) -> None:
    for name in ("a", "b", "c"):
        make(api, pod(name, "sleep 60", requests={"cpu": "7"}))
    found = cluster.wait_for(lambda pods: sum(one["status"]["phase"] == "Running" for one in pods) == 2)
    assert {one["spec"].get("nodeName") for one in found} == {"highcpu-0", None}
    cluster.wait_for(lambda pods: any(one["status"]["conditions"][0]["status"] == "False" for one in pods))
    assert reasons(api, "c")["FailedScheduling"].startswith("0/2 nodes are available: 1 Insufficient cpu, 1 node(s)")
    api.request("DELETE", "pods/a", params={"gracePeriodSeconds": "0"})
    cluster.wait_for(phase("c", "Running"))


def test_a_node_that_sleeps_is_woken_by_a_pod_that_needs_it(cluster: Cluster, api: httpx.Client) -> None:
    wants = {"limits": {"nvidia.com/gpu": "1"}, "tolerations": [{"key": "nvidia.com/gpu", "operator": "Exists"}]}
    make(api, pod("learns", "true", "gpu", **wants))
    assert ended(cluster, "learns")["exitCode"] == 0
    assert {"FailedScheduling", "TriggeredScaleUp", "Scheduled", "Started"} <= reasons(api, "learns").keys()


def test_a_taint_keeps_pods_away_that_do_not_tolerate_it() -> None:
    there: dict[str, list[Object]] = {node.name: [] for node in NODES}
    node, why = choose(pod("x", pool="highmem"), NODES, there)
    assert node is None
    assert "untolerated taint {pool: highmem}" in why
    tolerant = pod("x", pool="highmem", tolerations=[{"key": "pool", "operator": "Equal", "value": "highmem"}])
    assert choose(tolerant, NODES, there)[0] == NODES[0]


def test_memory_beyond_the_limit_ends_a_pod(cluster: Cluster, api: httpx.Client) -> None:
    take = f"exec {sys.executable} -c 'x = b\"1\" * (300 << 20); input()' < /dev/zero"
    make(api, pod("takes", take, limits={"memory": "100Mi"}))
    end = ended(cluster, "takes")
    assert (end["exitCode"], end["reason"]) == (137, "OOMKilled")


def test_an_image_that_is_not_there_is_backed_off_from(cluster: Cluster, api: httpx.Client) -> None:
    make(api, pod("pulls", image="none:1"))
    [held] = cluster.wait_for(lambda pods: "containerStatuses" in pods[0]["status"])
    assert held["status"]["phase"] == "Pending"
    assert held["status"]["containerStatuses"][0]["state"]["waiting"]["reason"] == "ImagePullBackOff"
    assert 'failed to pull image "none:1": not found' in reasons(api, "pulls")["Failed"]


def test_deleting_asks_first_and_ends_all_the_pod_started(cluster: Cluster, api: httpx.Client) -> None:
    make(api, pod("stays", "trap 'echo asked' TERM; sleep 60 & wait; wait"))
    cluster.wait_for(phase("stays", "Running"))
    with api.stream("GET", "pods/stays/log", params={"follow": "true"}) as log:
        api.request("DELETE", "pods/stays", json={"gracePeriodSeconds": 1})
        assert "asked" in log.read().decode()
    cluster.wait_for(lambda pods: not pods)
    assert api.get("pods/stays").status_code == 404


def test_what_happens_to_nodes_happens_to_their_pods(cluster: Cluster, api: httpx.Client) -> None:
    make(api, pod("evicted", "sleep 60"))
    make(api, pod("lost", "sleep 60"))
    cluster.wait_for(lambda pods: [one["status"]["phase"] for one in pods] == ["Running"] * 2)
    [one] = [it for it in cluster.wait_for(bool) if it["metadata"]["name"] == "evicted"]
    cluster.evict(one)
    assert api.get("pods/evicted").json()["status"]["reason"] == "Evicted"
    cluster.lose("highcpu-0")
    assert api.get("pods").json()["items"] == []


def test_changes_are_watched(cluster: Cluster, api: httpx.Client) -> None:
    began = time.monotonic()
    query = {"watch": "True", "timeoutSeconds": "60", "labelSelector": "app=seen,!other"}
    with api.stream("GET", "pods", params=query) as watch:
        make(api, pod("unseen"))
        make(api, pod("seen"))
        told = []
        for line in watch.iter_lines():
            told.append(json.loads(line))
            if told[-1]["object"]["status"]["phase"] == "Succeeded":
                break
    assert {one["object"]["metadata"]["name"] for one in told} == {"seen"}
    assert [told[0]["type"], told[-1]["type"]] == ["ADDED", "MODIFIED"]
    assert time.monotonic() - began < 60  # it did not wait for its own time-out


def test_what_kubernetes_refuses_is_refused(cluster: Cluster, api: httpx.Client) -> None:
    wrong = pod("wrong")
    wrong["spec"]["containers"][0]["command"] = "sh"
    unknown = pod("unknown", color="red")
    make(api, pod("there"))
    for one, status in ((wrong, 422), (unknown, 422), (pod("Not_A_Name"), 422), (pod("there"), 409)):
        assert api.post("pods", json=one).status_code == status
    assert httpx.get(f"{cluster.address}/api/v1/namespaces/noria/pods").status_code == 401


def test_labels_are_patched_and_selected(cluster: Cluster, api: httpx.Client) -> None:
    make(api, pod("one", "sleep 60"))
    api.patch("pods/one", json={"metadata": {"labels": {"already_checked": "True"}}})
    held = api.get("pods/one").json()
    assert selected(held, "app=one,already_checked!=True", "") is False
    assert selected(held, "app==one,already_checked", "metadata.name=one,status.phase!=Failed") is True


def test_quantities() -> None:
    assert [quantity(text) for text in ("500m", "2", "1Gi", "250Mi", "1k")] == [0.5, 2, 2**30, 250 * 2**20, 1000]
    with pytest.raises(ValueError, match="no quantity"):
        quantity("much")
