"""A step as a pod: its manifest, as plain data that any Kubernetes client takes. Pure."""

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from noria.plan import Resources
from noria.pools.pool import Pods, Pool, Volume

CONTAINER = "base"  # what the operator looks for
POOL_LABEL = "noria.dev/pool"
# Libraries, and joblib for noria's own choice, count a node's cores, not those that a pod asked for.
THREADS = ("OMP_NUM_THREADS", "POLARS_MAX_THREADS", "LOKY_MAX_CPU_COUNT")
TEMPORARY = "/tmp"  # noqa: S108  # of the container, an empty folder of its own
NOT_IN_LABELS = re.compile(r"^[^A-Za-z0-9]+|[^A-Za-z0-9_.-]+|[^A-Za-z0-9]+$")


@dataclass(frozen=True, slots=True)
class Work:
    """What a pod does: the words after how noria is called, and what they are about."""

    lifecycle: str
    run: str
    step: str
    words: Sequence[str]


def manifest(work: Work, pods: Pods, pool: Pool, asked: Resources) -> dict[str, Any]:
    """The pod that does a step on a machine of ``pool``.

    Pods of one pool prefer the node where others of it are, so that a pool which scales uses few nodes. What a step
    needs of secrets and configuration it has by reference.
    """
    labels = {
        "app.kubernetes.io/name": "noria",
        "app.kubernetes.io/component": "step",
        POOL_LABEL: pool.name,
        "noria.dev/lifecycle": label(work.lifecycle),
        "noria.dev/run": label(work.run),
        "noria.dev/step": label(work.step),
    }
    annotations = {"cluster-autoscaler.kubernetes.io/safe-to-evict": "false"}  # a step is not moved, it is done again
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"namespace": pods.namespace, "labels": labels, "annotations": annotations},
        "spec": _spec(work, pods, pool, asked),
    }


def _spec(work: Work, pods: Pods, pool: Pool, asked: Resources) -> dict[str, Any]:
    spec: dict[str, Any] = {
        "restartPolicy": "Never",
        "serviceAccountName": pods.service_account,
        "automountServiceAccountToken": False,
        "terminationGracePeriodSeconds": pods.grace_s,
        "securityContext": {
            "runAsNonRoot": True,
            "runAsUser": pods.user,
            "runAsGroup": pods.user,
            "fsGroup": pods.user,
            "fsGroupChangePolicy": "OnRootMismatch",
            "seccompProfile": {"type": "RuntimeDefault"},
        },
        "nodeSelector": dict(pool.labels),
        "tolerations": [_toleration(one.key, one.value, one.effect) for one in pool.tolerations],
        "affinity": {"podAffinity": _together(pool)},
        "volumes": _volumes(pods),
        "containers": [_container(work, pods, pool, asked)],
    }
    if pool.priority_class:
        spec["priorityClassName"] = pool.priority_class
    if pods.pull_secrets:
        spec["imagePullSecrets"] = [{"name": name} for name in pods.pull_secrets]
    return spec


def _container(work: Work, pods: Pods, pool: Pool, asked: Resources) -> dict[str, Any]:
    threads = str(max(1, math.ceil(asked.cpu)))
    return {
        "name": CONTAINER,
        "image": pods.image,
        "imagePullPolicy": pods.pull_policy,
        "command": list(pods.command),
        "args": list(work.words),
        "envFrom": [
            *({"configMapRef": {"name": name}} for name in pods.config_maps),
            *({"secretRef": {"name": name}} for name in pods.secrets),
        ],
        "env": [
            {"name": "NORIA_HOME", "value": pods.home},
            {"name": "PYTHONUNBUFFERED", "value": "1"},
            *({"name": name, "value": threads} for name in THREADS),
        ],
        "resources": resources(pods, pool, asked),
        "volumeMounts": _mounts(pods),
        "terminationMessagePolicy": "FallbackToLogsOnError",  # so that the status holds the step's last sentence
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        },
    }


def resources(pods: Pods, pool: Pool, asked: Resources) -> dict[str, dict[str, str]]:
    """Requests and limits of a step.

    Its memory is requested as declared and limited a little above, so that a step which takes more than it declared is
    told so by noria before the kernel ends it; one that declares none may take what a machine of the pool offers. Cores
    are requested, not limited: a step may use those that are idle. GPUs are whole.
    """
    memory_mb = asked.memory_mb or pool.asks_mb
    most_mb = (asked.memory_mb or pool.memory_mb) + pods.overhead_mb
    requests = {"cpu": f"{math.ceil(asked.cpu * 1000)}m", "memory": f"{memory_mb}Mi"}
    limits = {"memory": f"{most_mb}Mi"}
    if asked.gpu:
        requests[pool.gpu_resource] = limits[pool.gpu_resource] = str(asked.gpu)
    return {"requests": requests, "limits": limits}


def _together(pool: Pool) -> dict[str, Any]:
    term = {"labelSelector": {"matchLabels": {POOL_LABEL: pool.name}}, "topologyKey": "kubernetes.io/hostname"}
    return {"preferredDuringSchedulingIgnoredDuringExecution": [{"weight": 100, "podAffinityTerm": term}]}


def _toleration(key: str, value: str | None, effect: str | None) -> dict[str, str]:
    matching = {"operator": "Exists"} if value is None else {"operator": "Equal", "value": value}
    return {"key": key, **matching, **({"effect": effect} if effect else {})}


def _volumes(pods: Pods) -> list[dict[str, Any]]:
    named = [{"name": f"volume-{at}", **_source(volume)} for at, volume in enumerate(pods.volumes)]
    return [{"name": "home", "emptyDir": {}}, {"name": "tmp", "emptyDir": {}}, *named]


def _source(volume: Volume) -> dict[str, Any]:
    if volume.claim:
        return {"persistentVolumeClaim": {"claimName": volume.claim, "readOnly": volume.read_only}}
    if volume.secret:
        return {"secret": {"secretName": volume.secret, "defaultMode": 0o440}}
    return {"configMap": {"name": volume.config_map}}


def _mounts(pods: Pods) -> list[dict[str, Any]]:
    named = [
        {"name": f"volume-{at}", "mountPath": volume.path, "readOnly": volume.read_only or not volume.claim}
        for at, volume in enumerate(pods.volumes)
    ]
    return [{"name": "home", "mountPath": pods.home}, {"name": "tmp", "mountPath": TEMPORARY}, *named]


def label(text: str) -> str:
    """A text as a label's value: at most 63 letters, digits, ``-``, ``_`` and ``.``, the ends being alphanumeric."""
    kept = NOT_IN_LABELS.sub("-", text)[:63]
    return re.sub(r"^[^A-Za-z0-9]+|[^A-Za-z0-9]+$", "", kept)
