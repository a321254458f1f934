"""The stand-in as one context manager: a server, a kubeconfig, and faults to cause."""

import base64
import json
import secrets
import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import TracebackType

from cluster.api import Server
from cluster.control import Control
from cluster.nodes import Node
from cluster.objects import Object, Objects


class Cluster:
    """Nodes that run pods.

    Parameters
    ----------
    nodes
        The machines there are, or could be.
    images
        Names that can be pulled, each with the environment that a container of it starts with.
    """

    def __init__(self, nodes: Sequence[Node], images: Mapping[str, Mapping[str, str]]) -> None:
        self.objects = Objects()
        self.control = Control(self.objects, nodes, images)
        self.token = secrets.token_hex(8)
        self.server = Server(self.objects, self.control, self.token)
        self.address = f"http://127.0.0.1:{self.server.server_address[1]}"
        self._threads = [
            threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True),
            threading.Thread(target=self.control.loop, daemon=True),
        ]

    def __enter__(self) -> "Cluster":
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.server.shutdown()
        self.control.stop()
        self._threads[1].join()
        self.server.server_close()

    def config_map(self, namespace: str, name: str, data: Mapping[str, str]) -> None:
        self.objects.config_maps[namespace, name] = dict(data)

    def secret(self, namespace: str, name: str, data: Mapping[str, str]) -> None:
        held = {key: base64.b64encode(value.encode()).decode() for key, value in data.items()}
        self.objects.secrets[namespace, name] = held

    def kubeconfig(self, file: Path, namespace: str = "default") -> Path:
        """Write what a client needs to come here."""
        content = {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{"name": "stand-in", "cluster": {"server": self.address}}],
            "users": [{"name": "tests", "user": {"token": self.token}}],
            "contexts": [
                {"name": "tests", "context": {"cluster": "stand-in", "user": "tests", "namespace": namespace}}
            ],
            "current-context": "tests",
        }
        file.write_text(json.dumps(content))
        return file

    def wait_for(self, what: Callable[[list[Object]], bool], timeout_s: float = 30) -> list[Object]:
        """Wait until the pods there are fulfil a condition."""
        with self.objects.changed:
            held = self.objects.changed.wait_for(lambda: what(list(self.objects.pods.values())), timeout_s)
            assert held, [(pod["metadata"]["name"], pod["status"]) for pod in self.objects.pods.values()]
            return list(self.objects.pods.values())

    def history(self, name: str | None = None) -> list[Object]:
        """Every pod as it last was, those that are gone too, in the order they came; or all changes of one."""
        with self.objects.changed:
            if name is not None:
                return [one.object for one in self.objects.changes if one.object["metadata"]["name"] == name]
            found = {one.object["metadata"]["name"]: one.object for one in self.objects.changes if one.kind == "pods"}
        return list(found.values())

    def evict(self, pod: Object, message: str = "The node was low on resource: memory.") -> None:
        self.control.fail(pod, "Evicted", message)

    def find(self, node: str) -> None:
        """The machine that was lost is there again."""
        self.control.lost.discard(node)

    def lose(self, node: str) -> list[Object]:
        return self.control.lose(node)
