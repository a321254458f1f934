"""The servers that are measured: noria's, and bare ones on the same server library with the same graph."""

import json
import os
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from time import monotonic, sleep
from typing import TYPE_CHECKING, Any

import httpx

from benchmarks.measure import Trouble
from benchmarks.processes import NORIA, running
from benchmarks.project import NAME, Project
from benchmarks.serving import bare

if TYPE_CHECKING:
    from noria.model.package import Package

ROOT = Path(__file__).resolve().parent.parent.parent
PATIENCE_S = 60.0


@dataclass(frozen=True, slots=True)
class Server:
    """A server that answers at ``url``; ``session`` is its process tree.

    spool
        Where it keeps what it has still to carry on, if it does.
    """

    url: str
    session: int
    spool: Path | None = None

    def settle(self) -> None:
        """Wait until it has done all that requests left it to do; ``Trouble`` if that takes too long."""
        end = monotonic() + PATIENCE_S
        while self.spool is not None and any(self.spool.glob("*.*")):
            if monotonic() > end:
                raise Trouble("what was captured is not carried into the tables")
            sleep(0.1)


@dataclass(frozen=True, slots=True)
class Model:
    """The served model: its graph, its classes, and a request for one row of the live data."""

    graph: bytes
    classes: list[str]
    body: str


@dataclass(frozen=True, slots=True)
class Objects:
    """A served model that is no graph: its preprocessor and estimator, and a request for one row of the live data."""

    parts: Mapping[str, Any]
    body: str


def model_of(project: Project) -> Model:
    """What the project's first run released."""
    packed = released(project)
    if packed.kind != "onnx":
        raise Trouble(f"the model was kept as {packed.kind}, not as a graph")
    return Model(packed.files["model.onnx"], list(packed.signature.classes or ()), _body(packed))


def objects_of(project: Project) -> Objects:
    """What the project's first run released, if that is no graph."""
    from noria.model.sklearn import load_object

    packed = released(project)
    if packed.kind != "sklearn":
        raise Trouble(f"the model was kept as {packed.kind}")
    parts = {name: load_object(packed.files, name, trusted=True) for name in ("preprocessor", "model")}
    parts["model"].__class__ = type(parts["model"]).__base__  # joblib keeps no class of the lifecycle's own
    return Objects(parts, _body(packed))


def released(project: Project) -> "Package":
    from noria import settings
    from noria.digest import Digest
    from noria.model import package
    from noria.run.place import open_place
    from noria.store import registry

    place = open_place(settings.load(project.folder, environ={}))
    with place.store.read() as c:
        digest = Digest(registry.versions(c, NAME)[-1].package)
    packed = package.from_bytes(place.artifacts.get(digest), digest)
    place.store.close()
    return packed


def _body(packed: "Package") -> str:
    from noria.demo import waves

    row = waves.live(waves.people()).row(0, named=True)
    inputs = [
        {"name": one.name, "shape": [1], "datatype": one.datatype, "data": [row[one.name]]}
        for one in packed.signature.inputs
    ]
    return json.dumps({"inputs": inputs})


@contextmanager
def noria(project: Project, cpu: int | None) -> Iterator[Server]:
    """``noria serve`` as anybody would start it."""
    ready = project.folder / "ready"
    command = [NORIA, "serve", "--port", "0", "--ready-file", str(ready)]
    log = project.folder / "server.log"
    with running(command, project.folder, project.env, log, cpu) as process:
        _until(ready.exists, process)
        yield Server(
            f"{ready.read_text().strip()}/v2/models/{NAME}/infer", process.pid, project.folder / ".noria" / "spool"
        )


@contextmanager
def plain(
    kind: str, folder: Path, env: Mapping[str, str], model: Model, answer: str, cpu: int | None
) -> Iterator[Server]:
    """A bare server: ``constant`` gives ``answer``, ``model`` answers from the model's graph."""
    (folder / bare.GRAPH).write_bytes(model.graph)
    (folder / bare.ABOUT).write_text(json.dumps({"classes": model.classes}))
    port = _free_port()
    command = [sys.executable, "-m", "benchmarks.serving.bare", kind, str(port), str(folder)]
    own = {**env, "BARE_ANSWER": answer}
    with running(command, ROOT, own, folder / f"{kind}.log", cpu) as process:
        url = f"http://127.0.0.1:{port}/"
        _until(lambda: _answers(url, model.body), process)
        yield Server(url, process.pid)


@contextmanager
def by_hand(folder: Path, env: Mapping[str, str], model: Objects, cpu: int | None) -> Iterator[Server]:
    """FastAPI with a joblib file."""
    import joblib

    from benchmarks.serving import by_hand as program

    joblib.dump(dict(model.parts), folder / program.FILE)
    port = _free_port()
    command = [sys.executable, "-m", "benchmarks.serving.by_hand", str(port), str(folder)]
    with running(command, ROOT, env, folder / "by_hand.log", cpu) as process:
        url = f"http://127.0.0.1:{port}/"
        _until(lambda: _answers(url, model.body), process)
        yield Server(url, process.pid)


def grpc_of(server: Server, project: Project) -> Server:
    """The same server by its gRPC address, as it printed it."""
    address = (project.folder / "server.log").read_text().partition("grpc://")[2].split()[0]
    return Server(address, server.session, server.spool)


@contextmanager
def plain_grpc(folder: Path, env: Mapping[str, str], model: Model, cpu: int | None) -> Iterator[Server]:
    """A bare gRPC server that answers from the model's graph."""
    (folder / bare.GRAPH).write_bytes(model.graph)
    (folder / bare.ABOUT).write_text(json.dumps({"classes": model.classes}))
    port = _free_port()
    command = [sys.executable, "-m", "benchmarks.serving.bare_grpc", str(port), str(folder)]
    with running(command, ROOT, env, folder / "bare_grpc.log", cpu) as process:
        _until(lambda: _listens(port), process)
        yield Server(f"127.0.0.1:{port}", process.pid)


def ask(server: Server, body: str) -> dict[str, Any]:
    """One answer; ``Trouble`` if it is a refusal."""
    reply = httpx.post(server.url, content=body, headers={"content-type": "application/json"}, timeout=PATIENCE_S)
    if reply.status_code != 200:
        raise Trouble(f"the request is refused with {reply.status_code}: {reply.text[:80]}")
    found: dict[str, Any] = reply.json()
    return found


def processors() -> tuple[int | None, int | None]:
    """One processor for the server and one for the load, if there are two."""
    free = sorted(os.sched_getaffinity(0))
    return (free[0], free[1]) if len(free) > 1 else (None, None)


def _answers(url: str, body: str) -> bool:
    try:
        return httpx.post(url, content=body, headers={"content-type": "application/json"}).status_code == 200
    except httpx.TransportError:
        return False


def _until(holds: Callable[[], bool], process: "subprocess.Popen[bytes]") -> None:
    until(lambda: holds() or process.poll() is not None, "a server did not start", pause=0.05)
    if process.poll() is not None:
        raise Trouble("a server did not start")


def until(holds: Callable[[], object], otherwise: str, pause: float = 0.002) -> None:
    """Wait until it holds; ``Trouble``, in the words of ``otherwise``, if it takes longer than a minute."""
    end = monotonic() + PATIENCE_S
    while not holds():
        if monotonic() > end:
            raise Trouble(otherwise)
        sleep(pause)


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
