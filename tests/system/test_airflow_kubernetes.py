"""Real Airflow, its scheduler, triggerer and task processes, with pods on the stand-in cluster of ``tests/cluster``.

All DAGs run at the same time, as on a busy cluster; each test waits for its own.
"""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import yaml

from airflow import site as pods
from airflow.site import Site, of
from noria import settings
from noria.airflow.exported import run_id
from noria.run.place import open_place
from noria.store import registry, runs

pytestmark = [pytest.mark.system, pytest.mark.stack, pytest.mark.timeout(1800)]
RBAC = Path(__file__).parents[2] / "deploy" / "airflow" / "rbac.yaml"


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with pods.site(tmp_path_factory.mktemp("pods")) as found:
        yield found


def test_what_happens_to_a_pod_brings_its_step_back(site: Site) -> None:
    site.cluster.evict(site.running("evicted"))
    site.running("lost-deferred")
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
    site.cluster.wait_for(lambda pods: not any(of(one, "income") for one in pods))
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
