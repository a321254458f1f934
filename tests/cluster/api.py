"""The API server's HTTP: pods and events, with watches and logs, under the documented paths."""

import json
import re
import time
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

import kubernetes_validate

from cluster.control import Control
from cluster.objects import Object, Objects, Refused, selected

VERSION = "1.34"  # of Kubernetes, whose schemas manifests are held against
PATHS = re.compile(
    r"/api/v1(?:/namespaces/(?P<namespace>[^/]+))?/(?P<kind>pods|events)(?:/(?P<name>[^/]+))?(?P<log>/log)?"
)
NAME = re.compile(r"[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?")
FOUND: dict[str, Object] = {
    "/version": {"major": "1", "minor": "34", "gitVersion": "v1.34.0-stand-in"},
    "/api": {"kind": "APIVersions", "versions": ["v1"]},
    "/apis": {"kind": "APIGroupList", "apiVersion": "v1", "groups": []},
    "/api/v1": {"kind": "APIResourceList", "groupVersion": "v1", "resources": []},
}
LISTS = {"pods": "PodList", "events": "EventList"}
IDLE_WATCH_S = 300.0


class Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False

    def __init__(self, objects: Objects, control: Control, token: str) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.objects, self.control, self.token = objects, control, token
        self.calls: list[str] = []

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that goes away in mid-answer is none of ours."""


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Server

    def log_message(self, format: str, *args: Any) -> None:
        """Not to standard error."""

    def do_GET(self) -> None:
        self._answer()

    def do_POST(self) -> None:
        self._answer()

    def do_PATCH(self) -> None:
        self._answer()

    def do_DELETE(self) -> None:
        self._answer()

    def _answer(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        address = urlsplit(self.path)
        self.server.calls.append(f"{self.command} {self.path}")
        query = {name: values[-1] for name, values in parse_qs(address.query).items()}
        try:
            if self.headers.get("Authorization") != f"Bearer {self.server.token}":
                raise Refused(401, "Unauthorized", "Unauthorized")
            if address.path.rstrip("/") in FOUND:
                return self._json(200, FOUND[address.path.rstrip("/")])
            found = PATHS.fullmatch(address.path)
            if found is None:
                raise Refused(404, "NotFound", f"the server could not find the requested resource {address.path}")
            self._route(found.groupdict(), query, json.loads(body) if body else {})
        except Refused as error:
            self._json(
                error.status,
                {"kind": "Status", "apiVersion": "v1", "status": "Failure", "reason": error.reason,
                 "message": str(error), "code": error.status},
            )  # fmt: skip

    def _route(self, at: dict[str, str | None], query: dict[str, str], body: Object) -> None:
        namespace, name, kind = at["namespace"] or "", at["name"], str(at["kind"])
        if self.command == "GET" and name is None:
            watches = query.get("watch", "").lower() in ("true", "1")
            return self._watch(namespace, kind, query) if watches else self._list(namespace, kind, query)
        if kind != "pods":
            raise Refused(405, "MethodNotAllowed", "only pods can be changed here")
        if self.command == "POST" and name is None:
            return self._json(201, self._create(namespace, body))
        assert name is not None
        with self.server.objects.changed:
            pod = self.server.objects.pod(namespace, name)
        if at["log"]:
            return self._log(pod, query)
        if self.command == "PATCH":
            self.server.objects.update(pod, lambda it: merge(it, body))
        if self.command == "DELETE":
            grace = body.get("gracePeriodSeconds", query.get("gracePeriodSeconds", 30))
            self.server.control.delete(pod, float(grace))
        with self.server.objects.changed:
            text = json.dumps(pod)
        self._json(200, json.loads(text))

    def _create(self, namespace: str, pod: Object) -> Object:
        try:
            kubernetes_validate.validate(pod, VERSION, strict=True)
        except kubernetes_validate.ValidationError as error:
            raise Refused(422, "Invalid", f"Pod is invalid: {error.message}") from error
        if pod["metadata"].get("namespace", namespace) != namespace:
            raise Refused(400, "BadRequest", "the namespace of the provided object does not match the request")
        if not NAME.fullmatch(pod["metadata"].get("name", "")):
            raise Refused(422, "Invalid", f"metadata.name: Invalid value: {pod['metadata'].get('name')!r}")
        for key, value in (pod["metadata"].get("labels") or {}).items():
            if not re.fullmatch(r"|[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?", value):
                raise Refused(422, "Invalid", f"metadata.labels: Invalid value: {key}={value!r}")
        return self.server.objects.add_pod(namespace, pod)

    def _list(self, namespace: str, kind: str, query: dict[str, str]) -> None:
        with self.server.objects.changed:
            items = [one for one in self.server.objects.of(kind).values() if _wanted(one, namespace, query)]
            version = str(self.server.objects.version)
            text = json.dumps(
                {"kind": LISTS[kind], "apiVersion": "v1", "metadata": {"resourceVersion": version}, "items": items}
            )
        self._json(200, json.loads(text))

    def _watch(self, namespace: str, kind: str, query: dict[str, str]) -> None:
        objects = self.server.objects
        until = time.monotonic() + float(query.get("timeoutSeconds") or IDLE_WATCH_S)
        version = int(query.get("resourceVersion") or 0)
        self._begin("application/json")
        while (left := until - time.monotonic()) > 0:
            for change in objects.since(kind, version, min(left, 0.5)):
                version = max(version, change.version)
                if _wanted(change.object, namespace, query):
                    self._chunk(json.dumps({"type": change.type, "object": change.object}).encode() + b"\n")
        self._chunk(b"")

    def _log(self, pod: Object, query: dict[str, str]) -> None:
        running = self.server.control.running.get(pod["metadata"]["uid"])
        if running is None:
            name = pod["metadata"]["name"]
            raise Refused(400, "BadRequest", f'container "base" in pod "{name}" is waiting to start: ContainerCreating')
        since = None
        if query.get("sinceSeconds"):
            since = datetime.now(UTC) - timedelta(seconds=float(query["sinceSeconds"]))
        stamped = query.get("timestamps", "").lower() == "true"
        self._begin("text/plain")
        for when, line in running.log.read(since, query.get("follow", "").lower() == "true"):
            stamp = when.strftime("%Y-%m-%dT%H:%M:%S.%f000Z ").encode() if stamped else b""
            self._chunk(stamp + line)
        self._chunk(b"")

    def _json(self, status: int, content: Object) -> None:
        body = json.dumps(content).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _begin(self, kind: str) -> None:
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()

    def _chunk(self, data: bytes) -> None:
        self.wfile.write(f"{len(data):x}\r\n".encode() + data + b"\r\n")
        self.wfile.flush()


def _wanted(one: Object, namespace: str, query: dict[str, str]) -> bool:
    in_place = not namespace or one["metadata"]["namespace"] == namespace
    return in_place and selected(one, query.get("labelSelector", ""), query.get("fieldSelector", ""))


def merge(into: Object, patch: Object) -> None:
    """A JSON merge patch (RFC 7396): null removes, dictionaries are merged, all else replaces."""
    for key, value in patch.items():
        if value is None:
            into.pop(key, None)
        elif isinstance(value, dict) and isinstance(into.get(key), dict):
            merge(into[key], value)
        else:
            into[key] = value
