"""What is under deploy/airflow for Kubernetes: its tools accept each file, and the files agree with each other."""

import re
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml

from noria.pools import file

ROOT = Path(__file__).parents[2]
AIRFLOW = ROOT / "deploy" / "airflow"
MANIFESTS = ("rbac.yaml", "dags.yaml")
IMAGES = (ROOT / "deploy" / "Containerfile", AIRFLOW / "Containerfile")


def objects(name: str) -> list[dict[str, Any]]:
    return list(yaml.safe_load_all((AIRFLOW / name).read_text()))


def values() -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load((AIRFLOW / "values.yaml").read_text())
    return found


def in_kubernetes(kind: str) -> list[dict[str, Any]]:
    files = (ROOT / "deploy" / "kubernetes").glob("*.yaml")
    held = [one for path in files for one in yaml.safe_load_all(path.read_text())]
    return [one for one in held if one["kind"] == kind]


@pytest.mark.parametrize("version", ["1.32", "1.34"])
@pytest.mark.parametrize("name", MANIFESTS)
def test_every_manifest_is_one_that_kubernetes_takes(name: str, version: str) -> None:
    for one in objects(name):
        kubernetes_validate.validate(one, version, strict=True)


def test_who_may_make_pods_are_the_accounts_that_the_chart_makes() -> None:
    [binding] = [one for one in objects("rbac.yaml") if one["kind"] == "RoleBinding"]
    chart = {values()[part]["serviceAccount"]["name"] for part in ("workers", "scheduler", "triggerer")}
    assert {(one["name"], one["namespace"]) for one in binding["subjects"]} == {(name, "airflow") for name in chart}
    assert values()["allowPodLaunching"] is False  # or the chart would give them more


def test_the_example_of_pools_names_what_the_other_files_make() -> None:
    pods = file.read((AIRFLOW / "pools.toml").read_text(), "pools.toml").pods
    assert pods is not None
    [account] = [one["metadata"] for one in objects("rbac.yaml") if one["kind"] == "ServiceAccount"]
    assert (account["name"], account["namespace"]) == (pods.service_account, pods.namespace)
    assert list(pods.config_maps) == [one["metadata"]["name"] for one in in_kubernetes("ConfigMap")]
    assert [one.claim for one in pods.volumes] == [
        one["metadata"]["name"] for one in in_kubernetes("PersistentVolumeClaim")
    ]
    [settings] = [one["data"] for one in in_kubernetes("ConfigMap")]
    assert [one.path for one in pods.volumes] == [settings["NORIA_DATA"]]
    assert pods.home == settings["NORIA_HOME"]
    assert [one["metadata"]["name"] for one in in_kubernetes("Namespace")] == [pods.namespace]


def test_the_charts_values_are_the_shipped_settings() -> None:
    shipped = {}
    for name in ("airflow.env", "celery.env", "redis.env"):
        lines = (AIRFLOW / name).read_text().splitlines()
        shipped |= dict(line.split("=", 1) for line in lines if "=" in line and not line.startswith("#"))
    given = {one["name"]: one["value"] for one in values()["env"]}
    assert given.pop("AIRFLOW_CONN_KUBERNETES_DEFAULT") == '{"conn_type": "kubernetes", "extra": {"in_cluster": true}}'
    assert given == shipped
    [claim] = objects("dags.yaml")
    assert values()["dags"]["persistence"]["existingClaim"] == claim["metadata"]["name"]
    assert not {"fernetKey", "apiSecretKey", "jwtSecret"} & values().keys()  # secrets by name only
    assert set(values()["data"]) == {"metadataSecretName"}


def test_the_image_is_clean_and_of_the_locked_versions() -> None:
    text = (AIRFLOW / "Containerfile").read_text()
    linter = Path(sys.executable).with_name("hadolint")
    done = subprocess.run([linter, AIRFLOW / "Containerfile"], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "")
    lock = (ROOT / "requirements" / "airflow.lock").read_text()
    versions = dict(re.findall(r"^([a-z0-9-]+)(?:\[[^]]*])?==([0-9.]+)", lock, re.MULTILINE))
    provider = "apache-airflow-providers-cncf-kubernetes"
    assert f"{provider}=={versions[provider]}" in text
    assert f"airflow:{versions['apache-airflow']}-python3.11" in text
    assert values()["airflowVersion"] == versions["apache-airflow"]


def test_images_are_built_of_all_that_the_package_is_made_of() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    needed = project["tool"]["hatch"]["build"]["targets"]["wheel"]["force-include"]
    for image in IMAGES:
        copied = re.findall(r"^COPY (?!--from)(.+) \S+$", image.read_text(), re.MULTILINE)
        sources = {word for line in copied for word in line.split()}
        assert {*needed, "src", "pyproject.toml", "README.md", "LICENSE"} <= sources
        assert all((ROOT / word).exists() for word in sources)
