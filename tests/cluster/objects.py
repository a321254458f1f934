"""What the API server holds: pods, events, secrets, config maps; and who watches them."""

import copy
import threading
import uuid
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

Object = dict[str, Any]


class Refused(Exception):
    """The answer is an error: an HTTP status, its reason and a sentence."""

    def __init__(self, status: int, reason: str, message: str) -> None:
        super().__init__(message)
        self.status, self.reason = status, reason


def now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


@dataclass(frozen=True, slots=True)
class Change:
    """What a watch tells: ``ADDED``, ``MODIFIED`` or ``DELETED``, of which kind, and the object as it then was."""

    version: int
    kind: str
    type: str
    object: Object


@dataclass
class Objects:
    """Every access holds ``changed``, which is notified of each change."""

    changed: threading.Condition = field(default_factory=threading.Condition)
    pods: dict[tuple[str, str], Object] = field(default_factory=dict)
    events: dict[tuple[str, str], Object] = field(default_factory=dict)
    secrets: dict[tuple[str, str], Mapping[str, str]] = field(default_factory=dict)
    config_maps: dict[tuple[str, str], Mapping[str, str]] = field(default_factory=dict)
    changes: list[Change] = field(default_factory=list)
    version: int = 0

    def of(self, kind: str) -> dict[tuple[str, str], Object]:
        return {"pods": self.pods, "events": self.events}[kind]

    def add_pod(self, namespace: str, pod: Object) -> Object:
        name = pod["metadata"]["name"]
        with self.changed:
            if (namespace, name) in self.pods:
                raise Refused(409, "AlreadyExists", f'pods "{name}" already exists')
            pod["metadata"] |= {"namespace": namespace, "uid": str(uuid.uuid4()), "creationTimestamp": now()}
            pod["status"] = {"phase": "Pending", "conditions": []}
            self.pods[namespace, name] = pod
            self.note("pods", "ADDED", pod)
            return copy.deepcopy(pod)

    def pod(self, namespace: str, name: str) -> Object:
        """The pod itself: to be changed only while ``changed`` is held."""
        try:
            return self.pods[namespace, name]
        except KeyError:
            raise Refused(404, "NotFound", f'pods "{name}" not found') from None

    def remove(self, pod: Object) -> None:
        with self.changed:
            key = (pod["metadata"]["namespace"], pod["metadata"]["name"])
            if self.pods.get(key) is pod:
                del self.pods[key]
                self.note("pods", "DELETED", pod)

    def update(self, pod: Object, change: Callable[[Object], object]) -> None:
        with self.changed:
            change(pod)
            self.note("pods", "MODIFIED", pod)

    def tell(self, pod: Object, reason: str, message: str, type: str = "Normal") -> None:
        """An event about a pod; one that was there already is counted up."""
        meta = pod["metadata"]
        with self.changed:
            for event in self.events.values():
                about = event["involvedObject"]
                if about["uid"] == meta["uid"] and (event["reason"], event["message"]) == (reason, message):
                    event["count"] += 1
                    event["lastTimestamp"] = now()
                    self.note("events", "MODIFIED", event)
                    return
            name = f"{meta['name']}.{uuid.uuid4().hex[:16]}"
            event = {
                "apiVersion": "v1",
                "kind": "Event",
                "metadata": {"name": name, "namespace": meta["namespace"], "uid": str(uuid.uuid4())},
                "involvedObject": {"kind": "Pod", **{key: meta[key] for key in ("name", "namespace", "uid")}},
                "reason": reason,
                "message": message,
                "type": type,
                "count": 1,
                "firstTimestamp": now(),
                "lastTimestamp": now(),
                "source": {"component": "stand-in"},
            }
            self.events[meta["namespace"], name] = event
            self.note("events", "ADDED", event)

    def note(self, kind: str, type: str, object: Object) -> None:
        self.version += 1
        object["metadata"]["resourceVersion"] = str(self.version)
        self.changes.append(Change(self.version, kind, type, copy.deepcopy(object)))
        self.changed.notify_all()

    def since(self, kind: str, version: int, wait_s: float) -> Iterator[Change]:
        """Changes after a version; waits for the first of them so long."""
        with self.changed:
            self.changed.wait_for(lambda: self.version > version, timeout=wait_s)
            found = [one for one in self.changes if one.version > version and one.kind == kind]
        yield from found


def selected(object: Object, labels: str, fields: str) -> bool:
    """Whether an object fulfils a label selector (``a=b``, ``a!=b``, ``a``, ``!a``) and one of fields (``a.b=c``)."""
    have = object["metadata"].get("labels") or {}
    return all(_label_holds(term, have) for term in filter(None, labels.split(","))) and all(
        _field_holds(term, object) for term in filter(None, fields.split(","))
    )


def _label_holds(term: str, have: Mapping[str, str]) -> bool:
    if "!=" in term:
        key, _, value = term.partition("!=")
        return have.get(key) != value
    if "=" in term:
        key, _, value = term.replace("==", "=").partition("=")
        return have.get(key) == value
    return term[1:] not in have if term.startswith("!") else term in have


def _field_holds(term: str, object: Object) -> bool:
    differs = "!=" in term
    path, _, value = term.replace("!=", "=").replace("==", "=").partition("=")
    found: Any = object
    for part in path.split("."):
        found = (found or {}).get(part)
    return (str(found) == value) != differs
