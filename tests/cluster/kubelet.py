"""A pod's process: its environment by reference, its log, its memory limit, its end."""

import base64
import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from cluster.nodes import quantity
from cluster.objects import Object, Objects, now

LOOK_S = 0.05
MESSAGE_BYTES, MESSAGE_LINES = 2048, 80  # of the log, as a container's last words


class CannotStart(Exception):
    """A container waits and will not run; ``reason`` is what its status says."""

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason


class CannotMount(CannotStart):
    """A volume is not there: the container is being created for ever."""

    def __init__(self, message: str) -> None:
        super().__init__("ContainerCreating", message)


@dataclass
class Log:
    """Lines with the time each came; followed by whoever asks."""

    lines: list[tuple[datetime, bytes]] = field(default_factory=list)
    ended: bool = False
    more: threading.Condition = field(default_factory=threading.Condition)

    def add(self, line: bytes) -> None:
        with self.more:
            self.lines.append((datetime.now(UTC), line))
            self.more.notify_all()

    def end(self) -> None:
        with self.more:
            self.ended = True
            self.more.notify_all()

    def read(self, since: datetime | None, follow: bool) -> Iterator[tuple[datetime, bytes]]:
        at = 0
        while True:
            with self.more:
                if follow:
                    self.more.wait_for(lambda seen=at: len(self.lines) > seen or self.ended)
                fresh, ended = self.lines[at:], self.ended
                at = len(self.lines)
            yield from ((when, line) for when, line in fresh if since is None or when >= since)
            if ended or not follow:
                return

    def tail(self) -> str:
        text = b"".join(line for _, line in self.lines[-MESSAGE_LINES:])
        return text[-MESSAGE_BYTES:].decode(errors="replace")


@dataclass
class Running:
    """One container's process, in a session of its own."""

    process: subprocess.Popen[bytes]
    log: Log
    limit_bytes: float | None
    out_of_memory: bool = False
    peak_bytes: float = 0

    def signal(self, number: int) -> None:
        try:
            os.killpg(self.process.pid, number)
        except ProcessLookupError:
            return


def start(objects: Objects, pod: Object, image: Mapping[str, str], ended: Callable[[Running], None]) -> Running:
    """Run the command of a pod's one container; ``ended`` is called once it and its log have ended.

    Raises
    ------
    CannotStart
        If what it refers to is not there.
    """
    [container] = pod["spec"]["containers"]
    environment = {**image, **_environment(objects, pod, container)}
    _check_volumes(objects, pod, container)
    words = [*(container.get("command") or image["ENTRYPOINT"].split()), *(container.get("args") or [])]
    try:
        process = subprocess.Popen(
            words,
            env={name: value for name, value in environment.items() if name != "ENTRYPOINT"},
            cwd=image.get("HOME", "/"),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            preexec_fn=None,
        )
    except OSError as error:
        raise CannotStart("RunContainerError", f"exec: {words[0]!r}: {error.strerror}") from error
    limit = ((container.get("resources") or {}).get("limits") or {}).get("memory")
    running = Running(process, Log(), quantity(limit) if limit else None)
    reader = threading.Thread(target=_read, args=(running,), daemon=True)
    reader.start()
    threading.Thread(target=_mind, args=(running, reader, ended), daemon=True).start()
    return running


def status(pod: Object, running: Running, started_at: str) -> Object:
    """The container's status now that it ended."""
    [container] = pod["spec"]["containers"]
    code = running.process.returncode
    exit_code = code if code >= 0 else 128 - code
    reason = "OOMKilled" if running.out_of_memory else "Completed" if exit_code == 0 else "Error"
    ended: dict[str, Any] = {
        "exitCode": exit_code,
        "reason": reason,
        "startedAt": started_at,
        "finishedAt": now(),
    }
    if exit_code and container.get("terminationMessagePolicy") == "FallbackToLogsOnError":
        ended["message"] = running.log.tail()
    return {**container_status(container), "state": {"terminated": ended}}


def container_status(container: Mapping[str, Any]) -> Object:
    return {
        "name": container["name"],
        "image": container["image"],
        "imageID": "",
        "ready": False,
        "restartCount": 0,
        "state": {},
    }


def _read(running: Running) -> None:
    assert running.process.stdout is not None
    for line in running.process.stdout:
        running.log.add(line)


def _mind(running: Running, reader: threading.Thread, ended: Callable[[Running], None]) -> None:
    """Wait for the end of the process, and bring it about if it takes more memory than its limit.

    Who follows the log sees its end when the status says that the container has ended, not before.
    """
    while running.process.poll() is None:
        taken = sum(map(_anonymous_bytes, _session(running.process.pid)))
        running.peak_bytes = max(running.peak_bytes, taken)
        if running.limit_bytes is not None and taken > running.limit_bytes:
            running.out_of_memory = True
            running.signal(signal.SIGKILL)
        time.sleep(LOOK_S)
    running.signal(signal.SIGKILL)  # a container's other processes end with its first
    reader.join(5)
    ended(running)
    running.log.end()


def _session(id: int) -> Iterator[int]:
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(fields[3]) == id:
            yield int(stat.parent.name)


def _anonymous_bytes(pid: int) -> float:
    try:
        text = Path(f"/proc/{pid}/smaps_rollup").read_text()
    except OSError:
        return 0
    return sum(
        int(line.split()[1]) * 1024 for line in text.splitlines() if line.startswith(("Pss_Anon:", "Pss_Shmem:"))
    )


def _environment(objects: Objects, pod: Object, container: Mapping[str, Any]) -> dict[str, str]:
    found: dict[str, str] = {}
    for source in container.get("envFrom") or ():
        for kind in ("configMapRef", "secretRef"):
            if kind in source:
                found |= _referred(objects, pod, kind, source[kind]["name"])
    for one in container.get("env") or ():
        found[one["name"]] = _value(objects, pod, one)
    return found


def _value(objects: Objects, pod: Object, one: Mapping[str, Any]) -> str:
    source = one.get("valueFrom") or {}
    for kind in ("configMapKeyRef", "secretKeyRef"):
        if kind in source:
            held = _referred(objects, pod, kind, source[kind]["name"])
            if source[kind]["key"] not in held:
                name = source[kind]["name"]
                raise CannotStart("CreateContainerConfigError", f"couldn't find key {source[kind]['key']} in {name}")
            return held[source[kind]["key"]]
    if "fieldRef" in source:
        value: Any = pod
        for part in source["fieldRef"]["fieldPath"].split("."):
            value = value[part]
        return str(value)
    return str(one.get("value") or "")


def _referred(objects: Objects, pod: Object, kind: str, name: str) -> dict[str, str]:
    key = (pod["metadata"]["namespace"], name)
    if kind.startswith("secret"):
        if key not in objects.secrets:
            raise CannotStart("CreateContainerConfigError", f'secret "{name}" not found')
        return {word: base64.b64decode(value).decode() for word, value in objects.secrets[key].items()}
    if key not in objects.config_maps:
        raise CannotStart("CreateContainerConfigError", f'configmap "{name}" not found')
    return dict(objects.config_maps[key])


def _check_volumes(objects: Objects, pod: Object, container: Mapping[str, Any]) -> None:
    """What is mounted must be there; a claim's folder already where it is mounted: a process sees no other."""
    mounted = {mount["name"]: mount["mountPath"] for mount in container.get("volumeMounts") or ()}
    for volume in pod["spec"].get("volumes") or ():
        claim = volume.get("persistentVolumeClaim", {}).get("claimName")
        if claim is not None and not Path(mounted[volume["name"]]).is_dir():
            raise CannotMount(f'persistentvolumeclaim "{claim}" not found')
        key = (pod["metadata"]["namespace"], volume.get("secret", {}).get("secretName"))
        if key[1] is not None and key not in objects.secrets:
            raise CannotMount(f'MountVolume.SetUp failed for volume "{volume["name"]}": secret "{key[1]}" not found')
