"""The loop that a cluster is: place pods that wait, wake nodes, start what is placed."""

import signal
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from cluster import kubelet
from cluster.kubelet import CannotMount, CannotStart, Running
from cluster.nodes import Node, choose
from cluster.objects import Object, Objects, now

TICK_S = 0.1
OVER = ("Succeeded", "Failed")


@dataclass
class Control:
    objects: Objects
    nodes: Sequence[Node]
    images: Mapping[str, Mapping[str, str]]  # by name: the environment, PATH and ENTRYPOINT of it
    running: dict[str, Running] = field(default_factory=dict)  # by the pod's uid
    awake: dict[str, float] = field(default_factory=dict)  # node: when it is there, on the monotonic clock
    lost: set[str] = field(default_factory=set)
    stopped: threading.Event = field(default_factory=threading.Event)

    def __post_init__(self) -> None:
        self.awake |= {node.name: 0.0 for node in self.nodes if node.starts_after_s is None}

    def loop(self) -> None:
        while not self.stopped.is_set():
            with self.objects.changed:
                for pod in list(self.objects.pods.values()):
                    self._look_at(pod)
                self.objects.changed.wait(TICK_S)

    def _look_at(self, pod: Object) -> None:
        if pod["status"]["phase"] != "Pending" or "deletionTimestamp" in pod["metadata"]:
            return
        if "nodeName" not in pod["spec"]:
            self._place(pod)
        elif not pod["status"].get("containerStatuses"):
            self._start(pod)

    def there(self) -> list[Node]:
        at = time.monotonic()
        return [node for node in self.nodes if self.awake.get(node.name, at + 1) <= at and node.name not in self.lost]

    def _pods_of(self, node: Node) -> list[Object]:
        return [
            pod
            for pod in self.objects.pods.values()
            if pod["spec"].get("nodeName") == node.name and pod["status"]["phase"] not in OVER
        ]

    def _place(self, pod: Object) -> None:
        there = {node.name: self._pods_of(node) for node in self.nodes}
        node, why = choose(pod, self.there(), there)
        if node is None:
            self._unschedulable(pod, why)
            self._wake_for(pod)
            return
        pod["spec"]["nodeName"] = node.name
        _condition(pod, "PodScheduled", "True")
        self.objects.note("pods", "MODIFIED", pod)
        name = f"{pod['metadata']['namespace']}/{pod['metadata']['name']}"
        self.objects.tell(pod, "Scheduled", f"Successfully assigned {name} to {node.name}")

    def _unschedulable(self, pod: Object, why: str) -> None:
        if _condition(pod, "PodScheduled", "False", "Unschedulable", why):
            self.objects.note("pods", "MODIFIED", pod)
            self.objects.tell(pod, "FailedScheduling", why, "Warning")

    def _wake_for(self, pod: Object) -> None:
        asleep = [node for node in self.nodes if node.name not in self.awake]
        node, _ = choose(pod, asleep, {node.name: [] for node in asleep})
        if node is not None:
            self.awake[node.name] = time.monotonic() + (node.starts_after_s or 0)
            self.objects.tell(pod, "TriggeredScaleUp", f"pod triggered scale-up: [{node.name} 0->1 (max: 1)]")

    def _start(self, pod: Object) -> None:
        [container] = pod["spec"]["containers"]
        image = self.images.get(container["image"])
        try:
            if image is None:
                raise CannotStart("ErrImagePull", f'failed to pull image "{container["image"]}": not found')
            running = kubelet.start(self.objects, pod, image, lambda ended: self._ended(pod, ended))
        except CannotStart as error:
            self._waits(pod, error)
            return
        self.running[pod["metadata"]["uid"]] = running
        self.objects.tell(pod, "Started", f"Started container {container['name']}")
        started = {**kubelet.container_status(container), "ready": True, "state": {"running": {"startedAt": now()}}}
        pod["status"] |= {"phase": "Running", "startTime": now(), "containerStatuses": [started]}
        self.objects.note("pods", "MODIFIED", pod)

    def _waits(self, pod: Object, error: CannotStart) -> None:
        """A container that cannot start; an image that cannot be pulled is tried once, then backed off from."""
        [container] = pod["spec"]["containers"]
        reason, message = error.reason, str(error)
        mounting = isinstance(error, CannotMount)
        self.objects.tell(pod, "FailedMount" if mounting else "Failed", message, "Warning")
        if reason == "ErrImagePull":
            reason, message = "ImagePullBackOff", f'Back-off pulling image "{container["image"]}": {message}'
            self.objects.tell(pod, "BackOff", message, "Warning")
        why = {"reason": reason} if mounting else {"reason": reason, "message": message}
        waiting = {**kubelet.container_status(container), "state": {"waiting": why}}
        pod["status"]["containerStatuses"] = [waiting]
        self.objects.note("pods", "MODIFIED", pod)

    def _ended(self, pod: Object, running: Running) -> None:
        with self.objects.changed:
            status = pod["status"]
            if status["phase"] in OVER:  # evicted, or gone with its node
                return
            [before] = status["containerStatuses"]
            ended = kubelet.status(pod, running, before["state"]["running"]["startedAt"])
            status["containerStatuses"] = [ended]
            status["phase"] = "Succeeded" if ended["state"]["terminated"]["exitCode"] == 0 else "Failed"
            self.objects.note("pods", "MODIFIED", pod)
            if "deletionTimestamp" in pod["metadata"]:
                self.objects.remove(pod)

    def delete(self, pod: Object, grace_s: float) -> None:
        """End a pod as asked: politely, then not; it is gone when its process is."""
        with self.objects.changed:
            running = self.running.get(pod["metadata"]["uid"])
            if running is None or running.process.poll() is not None:
                self.objects.remove(pod)
                return
            if "deletionTimestamp" in pod["metadata"]:
                return
            pod["metadata"] |= {"deletionTimestamp": now(), "deletionGracePeriodSeconds": int(grace_s)}
            self.objects.note("pods", "MODIFIED", pod)
        running.signal(signal.SIGTERM if grace_s else signal.SIGKILL)
        timer = threading.Timer(grace_s, running.signal, [signal.SIGKILL])
        timer.daemon = True
        timer.start()

    def fail(self, pod: Object, reason: str, message: str) -> None:
        """End a pod from outside, as an eviction does."""
        with self.objects.changed:
            pod["status"] |= {"phase": "Failed", "reason": reason, "message": message}
            pod["status"].pop("containerStatuses", None)
            _condition(pod, "DisruptionTarget", "True", "TerminationByKubelet", message)
            self.objects.note("pods", "MODIFIED", pod)
            self.objects.tell(pod, reason, message, "Warning")
        self._kill(pod)

    def lose(self, node: str) -> list[Object]:
        """A machine is gone, and what ran on it with it; the node's controller removes its pods."""
        with self.objects.changed:
            self.lost.add(node)
            gone = [pod for pod in self.objects.pods.values() if pod["spec"].get("nodeName") == node]
        for pod in gone:
            self._kill(pod)
            with self.objects.changed:
                self.objects.tell(pod, "NodeNotReady", "Node is not ready", "Warning")
                self.objects.remove(pod)
        return gone

    def _kill(self, pod: Object) -> None:
        running = self.running.get(pod["metadata"]["uid"])
        if running is not None:
            running.signal(signal.SIGKILL)

    def stop(self) -> None:
        self.stopped.set()
        for running in self.running.values():
            running.signal(signal.SIGKILL)
            running.process.wait()


def _condition(pod: Object, type: str, status: str, reason: str = "", message: str = "") -> bool:
    """Set a condition; False if it was so already."""
    conditions = pod["status"].setdefault("conditions", [])
    wanted = {"type": type, "status": status, **({"reason": reason, "message": message} if reason else {})}
    same = [one for one in conditions if {**one, "lastTransitionTime": None} == {**wanted, "lastTransitionTime": None}]
    if same:
        return False
    conditions[:] = [one for one in conditions if one["type"] != type]
    conditions.append({**wanted, "lastTransitionTime": now()})
    return True
