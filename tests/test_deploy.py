"""What is under deploy/: each file is one its tool accepts, and says what the code says."""

import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import typer
import yaml

import servers
from noria import settings
from noria.cli import serve
from noria.serve.rest import routes
from noria.serve.server import DRAIN_S

DEPLOY = Path(__file__).resolve().parent.parent / "deploy"
KUBERNETES = sorted((DEPLOY / "kubernetes").glob("*.yaml"))
VERSIONS = ("1.32", "1.34")  # of Kubernetes; lifecycle.preStop.sleep is on by default since the first


def objects() -> dict[str, Any]:
    """All objects that the manifests make, by kind."""
    found = [one for file in KUBERNETES for one in yaml.safe_load_all(file.read_text())]
    return {one["kind"]: one for one in found}


def options() -> set[str]:
    """What 'noria serve' takes."""
    return {text for one in typer.main.get_command(serve.app).params for text in one.opts}


def answers(path: str) -> bool:
    return routes.find("GET", path) is not None


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("file", KUBERNETES, ids=lambda file: file.stem)
def test_every_manifest_is_one_that_kubernetes_takes(file: Path, version: str) -> None:
    for one in yaml.safe_load_all(file.read_text()):
        if one["kind"] != "Kustomization":
            kubernetes_validate.validate(one, version, strict=True)


def test_the_kustomization_names_every_manifest() -> None:
    listed = yaml.safe_load((DEPLOY / "kubernetes" / "kustomization.yaml").read_text())["resources"]
    assert sorted(listed) == [file.name for file in KUBERNETES if file.name != "kustomization.yaml"]


def test_pods_start_with_options_probes_and_time_that_the_server_has() -> None:
    pod = objects()["StatefulSet"]["spec"]["template"]["spec"]
    [container] = pod["containers"]
    assert container["args"][0] == "serve"
    assert {word for word in container["args"] if word.startswith("--")} <= options()
    probes = [container[f"{name}Probe"]["httpGet"] for name in ("startup", "readiness", "liveness")]
    assert all(answers(probe["path"]) for probe in probes)
    pause = container["lifecycle"]["preStop"]["sleep"]["seconds"]
    assert pod["terminationGracePeriodSeconds"] >= pause + DRAIN_S + 10
    mounted = {mount["name"] for mount in container["volumeMounts"]}
    claims = [claim["metadata"]["name"] for claim in objects()["StatefulSet"]["spec"]["volumeClaimTemplates"]]
    assert mounted == {volume["name"] for volume in pod["volumes"]} | set(claims)


def test_every_setting_is_one_and_what_must_last_is_on_a_volume() -> None:
    found: Mapping[str, str] = objects()["ConfigMap"]["data"]
    assert {name.removeprefix("NORIA_").lower() for name in found} <= settings.KEYS
    [container] = objects()["StatefulSet"]["spec"]["template"]["spec"]["containers"]
    places = {mount["mountPath"]: mount["name"] for mount in container["volumeMounts"]}
    assert (places[found["NORIA_SPOOL"]], places[found["NORIA_DATA"]]) == ("spool", "data")


def test_services_scaling_and_network_speak_of_the_same_pods() -> None:
    made = objects()
    labels = made["StatefulSet"]["spec"]["template"]["metadata"]["labels"]
    assert made["Service"]["spec"]["selector"] == labels
    assert made["PodDisruptionBudget"]["spec"]["selector"]["matchLabels"] == labels
    assert made["NetworkPolicy"]["spec"]["podSelector"]["matchLabels"] == labels
    [container] = made["StatefulSet"]["spec"]["template"]["spec"]["containers"]
    ports = {port["name"] for port in container["ports"]}
    assert {port["targetPort"] for port in made["Service"]["spec"]["ports"]} <= ports
    target = made["HorizontalPodAutoscaler"]["spec"]["scaleTargetRef"]
    assert (target["kind"], target["name"]) == ("StatefulSet", made["StatefulSet"]["metadata"]["name"])


def test_the_containerfile_is_clean_and_starts_what_there_is() -> None:
    linter = Path(sys.executable).with_name("hadolint")
    done = subprocess.run([linter, DEPLOY / "Containerfile"], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "")
    text = (DEPLOY / "Containerfile").read_text()
    command = yaml.safe_load(text.rpartition("\nCMD ")[2])
    assert command[0] == "serve"
    assert {word for word in command if word.startswith("--")} <= options()
    for copied in ("requirements/run.lock", "pyproject.toml", "README.md", "LICENSE", "src"):
        assert copied in text
        assert (DEPLOY.parent / copied).exists()


@pytest.mark.system
def test_the_unit_is_one_that_systemd_takes(tmp_path: Path) -> None:
    program = servers.program("systemd-analyze")
    assert program is not None
    unit = tmp_path / "noria-serve.service"
    text = (DEPLOY / "systemd" / "noria-serve.service").read_text()
    start = next(line for line in text.splitlines() if line.startswith("ExecStart="))
    words = start.removeprefix("ExecStart=").split()
    assert words[1] == "serve"
    assert {word for word in words if word.startswith("--")} <= options()
    unit.write_text(text.replace(words[0], str(shutil.which("true"))))
    done = subprocess.run([program, "verify", unit], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert f"TimeoutStopSec={DRAIN_S + 25}" in text
