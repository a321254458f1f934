"""A Celery stack of the system tests beside the stand-in cluster: one lifecycle, in a queue and in pods."""

import contextlib
import json
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import noria
import projects
from airflow.celery import Stack
from cluster.cluster import Cluster
from cluster.nodes import Node
from noria import settings
from noria.cli.main import main

SPACE, IMAGE, POOL = "noria", "noria:tests", "noria.dev/pool"
NODES = (Node("highmem-0", {POOL: "highmem"}, ((POOL, "highmem", "NoSchedule"),), 4, 6000, starts_after_s=0.5),)
POOLS = f"""
[pods]
namespace = "{SPACE}"
image = "{IMAGE}"
command = ["{sys.executable}", "-P", "-m", "noria.cli.main"]
config_maps = ["noria"]
secrets = ["noria-stores"]
home = "HOME"
poll_s = 0.5

[pools.default]
cpu = 4
memory_mb = 4000

[pools.highmem]
runs_on = "kubernetes"
cpu = 4
memory_mb = 5000
labels = {{ "{POOL}" = "highmem" }}
tolerations = [{{ key = "{POOL}", value = "highmem" }}]
"""


@contextmanager
def beside(stack: Stack) -> Iterator[Cluster]:
    """A cluster whose pods find the stack's stores, and which Airflow has a connection to."""
    sources = str(Path(noria.__file__).parents[1])
    image = {"PATH": "/usr/bin:/bin", "HOME": str(stack.project), "PYTHONPATH": sources, "ENTRYPOINT": "noria"}
    with Cluster(NODES, {IMAGE: image}) as cluster:
        where = settings.load(stack.project, environ={})
        places = {"NORIA_DATA": where.data, "NORIA_ARTIFACTS": where.artifacts, "NORIA_PROJECT": str(stack.project)}
        cluster.config_map(SPACE, "noria", places)
        credentials = {name: value for name, value in os.environ.items() if name.startswith("AWS_")}
        cluster.secret(SPACE, "noria-stores", {"NORIA_DB": where.db, **credentials})
        extra = json.dumps({"kube_config_path": str(cluster.kubeconfig(stack.project / "kubeconfig", SPACE))})
        body = {"connection_id": "kubernetes_default", "conn_type": "kubernetes", "extra": extra}
        stack.api.ask("POST", "/api/v2/connections", body)
        yield cluster


def lifecycle(stack: Stack, name: str) -> None:
    """Declare a lifecycle that trains in a pod of the pool with much memory, and does all else in Celery's queue."""
    text = projects.LIFECYCLE.replace('"loans"', f'"{name}"').replace("inbox/*.csv", f"inbox-{name}/*.csv")
    asks = 'resources={"train": nr.Resources(memory_mb=4500)}'
    file = stack.project / f"{name}.py"
    file.write_text(text.replace("    release=", f"    {asks},\n    release=", 1))
    stack.arrive(name, "1", 300)
    pools = stack.project / "pools.toml"
    pools.write_text(POOLS.replace("HOME", str(stack.home)))
    words = ["--dags-folder", str(stack.home / "airflow" / "dags"), "--executor", "celery", "--sweep", "never"]
    with contextlib.chdir(stack.project):
        assert main(["airflow", "export", file.name, *words, "--pools", str(pools), "--json"]) == 0
