"""What a node offers, and where a pod may go. Pure: pods are plain manifests."""

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

Pod = Mapping[str, Any]

QUANTITY = re.compile(r"(\d+(?:\.\d+)?)(m|Ki|Mi|Gi|Ti|k|M|G)?")
UNITS = {"": 1, "m": 1e-3, "k": 1e3, "M": 1e6, "G": 1e9, "Ki": 2**10, "Mi": 2**20, "Gi": 2**30, "Ti": 2**40}
MIB = 2**20


@dataclass(frozen=True, slots=True)
class Node:
    """One machine. ``starts_after_s``: None if it is there from the start, else the seconds that waking it takes."""

    name: str
    labels: Mapping[str, str] = field(default_factory=dict)
    taints: tuple[tuple[str, str, str], ...] = ()  # key, value, effect
    cpu: float = 4
    memory_mb: float = 8192
    gpu: int = 0
    starts_after_s: float | None = None

    @property
    def offers(self) -> dict[str, float]:
        return {"cpu": self.cpu, "memory": self.memory_mb * MIB, "nvidia.com/gpu": float(self.gpu)}


def quantity(text: str | float) -> float:
    """A Kubernetes quantity as a number: ``500m`` is 0.5, ``1Gi`` is 1073741824."""
    found = QUANTITY.fullmatch(str(text))
    if found is None:
        raise ValueError(f"{text!r} is no quantity")
    return float(found[1]) * UNITS[found[2] or ""]


def requests(pod: Pod) -> dict[str, float]:
    """What a pod takes of its node; what it names a limit for only, it requests too."""
    total: Counter[str] = Counter()
    for container in pod["spec"]["containers"]:
        named = container.get("resources") or {}
        asked = {**(named.get("limits") or {}), **(named.get("requests") or {})}
        total.update({name: quantity(value) for name, value in asked.items()})
    return dict(total)


def refusal(pod: Pod, node: Node, free: Mapping[str, float]) -> str | None:
    """Why a pod may not go to a node, in the scheduler's words; None if it may."""
    wanted = pod["spec"].get("nodeSelector") or {}
    if any(node.labels.get(key) != value for key, value in wanted.items()):
        return "node(s) didn't match Pod's node affinity/selector"
    for key, value, effect in node.taints:
        if effect != "PreferNoSchedule" and not tolerated(pod, key, value, effect):
            return f"node(s) had untolerated taint {{{key}: {value}}}"
    for name, amount in requests(pod).items():
        if amount > free.get(name, 0):
            return f"Insufficient {name}"
    return None


def tolerated(pod: Pod, key: str, value: str, effect: str) -> bool:
    return any(
        one.get("key") in (None, "", key)
        and one.get("effect") in (None, "", effect)
        and (one.get("operator") == "Exists" or one.get("value", "") == value)
        for one in pod["spec"].get("tolerations") or ()
    )


def free(node: Node, there: Iterable[Pod]) -> dict[str, float]:
    """What is left of a node."""
    left = dict(node.offers)
    for pod in there:
        for name, amount in requests(pod).items():
            left[name] = left.get(name, 0) - amount
    return left


def choose(pod: Pod, nodes: Sequence[Node], there: Mapping[str, Sequence[Pod]]) -> tuple[Node | None, str]:
    """The node for a pod, or why there is none.

    Of those that may take it, the one that its preferred affinity to other pods speaks for most; then the emptiest.
    """
    refused: Counter[str] = Counter()
    able: list[tuple[float, float, Node]] = []
    for node in nodes:
        left = free(node, there[node.name])
        why = refusal(pod, node, left)
        if why is None:
            able.append((liking(pod, there[node.name]), left["cpu"], node))
        else:
            refused[why] += 1
    if able:
        return max(able, key=lambda one: one[:2])[2], ""
    reasons = ", ".join(f"{count} {why}" for why, count in sorted(refused.items()))
    return None, f"0/{len(nodes)} nodes are available: {reasons or 'no nodes'}."


def liking(pod: Pod, there: Sequence[Pod]) -> float:
    """The weights of the preferred affinities that the pods of one node fulfil."""
    affinity = (pod["spec"].get("affinity") or {}).get("podAffinity") or {}
    weight = 0.0
    for term in affinity.get("preferredDuringSchedulingIgnoredDuringExecution") or ():
        wanted = term["podAffinityTerm"]["labelSelector"]["matchLabels"]
        if any(wanted.items() <= (other["metadata"].get("labels") or {}).items() for other in there):
            weight += term["weight"]
    return weight
