"""Why a pod failed is one sentence, from what Kubernetes answers about it."""

import json
from typing import Any

import pytest

from noria.airflow import pod_reason


def pod(status: dict[str, Any]) -> dict[str, Any]:
    containers = [{"name": "base", "resources": {"limits": {"memory": "512Mi"}}}]
    return {"spec": {"containers": containers}, "status": {"phase": "Pending", **status}}


def state(**state: Any) -> dict[str, Any]:
    return {"containerStatuses": [{"name": "base", "state": state}]}


def condition(type: str, status: str, reason: str, message: str) -> dict[str, Any]:
    return {"conditions": [{"type": type, "status": status, "reason": reason, "message": message}]}


def event(reason: str, message: str, at: str, type: str = "Warning") -> dict[str, Any]:
    return {"type": type, "reason": reason, "message": message, "lastTimestamp": at}


NOWHERE = "0/3 nodes are available: 3 Insufficient memory."
CASES = {
    "OOMKilled": (
        pod({"phase": "Failed", **state(terminated={"exitCode": 137, "reason": "OOMKilled"})}),
        "OOMKilled: it took more than its 512Mi of memory (pod p-1, pool highmem). It is tried again with more",
    ),
    "Killed": (pod({"phase": "Failed", **state(terminated={"exitCode": 137, "reason": "Error"})}), "Killed: exit code"),
    "Error": (pod({"phase": "Failed", **state(terminated={"exitCode": 1, "reason": "Error"})}), "Error: exit code 1"),
    "Unschedulable": (
        pod(condition("PodScheduled", "False", "Unschedulable", NOWHERE)),
        "Unschedulable: 0/3 nodes are available: 3 Insufficient memory (pod p-1, pool highmem). See that a node",
    ),
    "ImagePullBackOff": (
        pod(state(waiting={"reason": "ImagePullBackOff", "message": 'Back-off pulling image "none:1": not found'})),
        'ImagePullBackOff: Back-off pulling image "none:1": not found (pod p-1',
    ),
    "CreateContainerConfigError": (
        pod(state(waiting={"reason": "CreateContainerConfigError", "message": 'secret "noria" not found'})),
        'CreateContainerConfigError: secret "noria" not found (pod p-1, pool highmem). Make the Secret or ConfigMap',
    ),
    "Evicted": (
        pod({"phase": "Failed", "reason": "Evicted", "message": "The node was low on resource: memory."}),
        "Evicted: The node was low on resource: memory (pod p-1, pool highmem). Its node ran short",
    ),
    "DeadlineExceeded": (
        pod({"phase": "Failed", "reason": "DeadlineExceeded", "message": "Pod was active too long"}),
        "DeadlineExceeded: Pod was active too long",
    ),
    "Preempted": (
        pod({"phase": "Failed", **condition("DisruptionTarget", "True", "PreemptionByScheduler", "default-scheduler")}),
        "Preempted: default-scheduler (pod p-1",
    ),
    "Gone": (None, "Gone: NodeNotReady: Node is not ready (pod p-1, pool highmem). Its node was lost"),
    "Abandoned": (
        pod({"phase": "Running", **state(running={"startedAt": "2026-11-28T10:00:00Z"})}),
        "Abandoned: NodeNotReady: Node is not ready (pod p-1, pool highmem). Airflow could not follow it",
    ),
    "NotStarted": (
        pod({**condition("PodScheduled", "True", "", ""), **state(waiting={"reason": "ContainerCreating"})}),
        "NotStarted: NodeNotReady: Node is not ready (pod p-1, pool highmem). See its events",
    ),
}
EVENTS = [
    event("NodeNotReady", "Node is not ready", "2026-11-28T10:00:02Z"),
    event("FailedScheduling", "an earlier one", "2026-11-28T10:00:01Z"),
    event("Scheduled", "no warning", "2026-11-28T10:00:03Z", "Normal"),
]


@pytest.mark.parametrize("word", CASES)
def test_the_reason_is_kubernetes_word_with_what_where_and_what_to_do(word: str) -> None:
    held, said = CASES[word]
    reason = pod_reason.of(held, EVENTS)
    assert reason is not None
    assert reason.word == word
    assert reason.sentence("p-1", "highmem").startswith(said)


@pytest.mark.parametrize(
    ("word", "code", "out"), [("OOMKilled", 137, True), ("Error", 5, True), ("Killed", 137, False)]
)
def test_memory_is_told_from_other_ends(word: str, code: int, out: bool) -> None:
    assert pod_reason.Reason(word, "", code).out_of_memory is out


def test_a_node_that_was_lost_is_told_from_an_eviction() -> None:
    found = pod_reason.of(pod(condition("DisruptionTarget", "True", "DeletionByTaintManager", "node lost")), [])
    assert found is not None
    assert found.word == pod_reason.GONE


def test_a_step_that_explained_itself_is_quoted() -> None:
    log = "learning\nnoria: train needs more rows (step train). Collect more.\nnoria-loader ended\n"
    held = pod({"phase": "Failed", **state(terminated={"exitCode": 2, "reason": "Error", "message": log})})
    reason = pod_reason.of(held, EVENTS)
    assert reason is not None
    assert reason.exit_code == 2
    assert reason.sentence("p-1", "highmem") == "train needs more rows (step train). Collect more."


def test_a_pod_that_did_well_has_no_reason() -> None:
    assert pod_reason.of(pod({"phase": "Succeeded", **state(terminated={"exitCode": 0})}), EVENTS) is None


def test_where_no_pod_was_made_the_api_is_quoted() -> None:
    answer = json.dumps({"message": 'pods "p-1" is forbidden: exceeded quota', "code": 403})
    assert pod_reason.without_pod(ValueError("(403)"), answer).text == 'pods "p-1" is forbidden: exceeded quota'
    assert pod_reason.without_pod(OSError("refused\nat all"), None).text == "OSError: refused"


@pytest.mark.parametrize(
    ("word", "text", "hopeless"),
    [
        ("ImagePullBackOff", 'Back-off pulling image "a": a: not found', True),
        ("ImagePullBackOff", "Back-off pulling image: i/o timeout", False),
        ("InvalidImageName", "", True),
        ("CreateContainerConfigError", 'configmap "a" not found', True),
        ("Unschedulable", NOWHERE, False),
    ],
)
def test_a_name_that_names_nothing_is_not_tried_again(word: str, text: str, hopeless: bool) -> None:
    assert pod_reason.Reason(word, text).hopeless is hopeless
