"""One row a request over gRPC, by raw and typed contents: answers a second of processor time, how long one takes.

The same Python client asks both servers; it is slower than they are, so processor time is what compares them.
"""

import json
import subprocess
import sys
from contextlib import ExitStack
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from time import sleep

from benchmarks.measure import Line, Peer, Target, Trouble
from benchmarks.processes import cpu_seconds, said
from benchmarks.project import NAME, census
from benchmarks.serving import servers
from benchmarks.serving.load import SETTLE_S, Answered
from benchmarks.serving.servers import ROOT, Model, Server

TURNS = 3
CALLERS = 8
SECONDS = 5
WARM_S = 2
SHARE = Target(0.85, most=False, of_ratio=True)
STYLES = "raw", "typed"


@dataclass(slots=True)
class Found:
    """What the turns found of one server, by the style of its request."""

    answers: dict[str, list[Answered]] = field(default_factory=lambda: {style: [] for style in STYLES})


def lines() -> list[Line]:
    with ExitStack() as stack:
        project = stack.enter_context(census())
        model = servers.model_of(project)
        own, other = servers.processors()
        files = {style: _request(project.folder / f"{style}.bin", model, raw=style == "raw") for style in STYLES}
        ours = servers.grpc_of(stack.enter_context(servers.noria(project, own)), project)
        bare = stack.enter_context(servers.plain_grpc(project.folder, project.env, model, own))
        found = {ours: Found(), bare: Found()}
        for server in found:
            load(server, files["raw"], WARM_S, other)
        for _ in range(TURNS):
            for style, file in files.items():
                for server, one in found.items():
                    one.answers[style].append(load(server, file, SECONDS, other))
    return _lines(*found.values())


def load(server: Server, file: Path, seconds: int, cpu: int | None) -> Answered:
    """Ask a server as often as the client can; what it does about requests afterwards counts as theirs."""
    pinned = [] if cpu is None else ["taskset", "-c", str(cpu)]
    words = [sys.executable, "-m", "benchmarks.serving.grpc_load", server.url, str(file), str(CALLERS), str(seconds)]
    before = cpu_seconds(server.session)
    done = subprocess.run([*pinned, *words], cwd=ROOT, capture_output=True, text=True, check=False)
    sleep(SETTLE_S)
    server.settle()
    took = cpu_seconds(server.session) - before
    if done.returncode:
        raise Trouble(said("the gRPC client", done.returncode, done.stderr))
    result = json.loads(done.stdout)
    return Answered(result["requests"] / seconds, result["requests"] / took, result["p50"], result["p99"])


def _request(file: Path, model: Model, *, raw: bool) -> Path:
    """The request of REST's benchmark as a message, in a file."""
    from tritonclient.grpc import service_pb2

    asked = service_pb2.ModelInferRequest(model_name=NAME)
    for one in json.loads(model.body)["inputs"]:
        tensor = asked.inputs.add(name=one["name"], datatype=one["datatype"], shape=one["shape"])
        (value,) = one["data"]
        text = one["datatype"] == "BYTES"
        if text:
            tensor.contents.bytes_contents.append(value.encode())
        else:
            tensor.contents.fp32_contents.append(value)
        if raw:
            asked.raw_input_contents.append(_bytes(tensor, text))
            tensor.ClearField("contents")
    file.write_bytes(asked.SerializeToString())
    return file


def _bytes(tensor: "object", text: bool) -> bytes:
    import numpy as np

    if not text:
        return np.array(tensor.contents.fp32_contents, dtype="<f4").tobytes()  # type: ignore[attr-defined]
    (data,) = tensor.contents.bytes_contents  # type: ignore[attr-defined]
    return len(data).to_bytes(4, "little") + data


def _lines(ours: Found, bare: Found) -> list[Line]:
    name = f"bare grpcio {version('grpcio')} (threads), ONNX Runtime"

    def line(style: str, what: str, unit: str, field: str, target: Target | None = None) -> Line:
        mine, theirs = ([getattr(answer, field) for answer in one.answers[style]] for one in (ours, bare))
        return Line(f"{what}, {style}, {CALLERS} callers", unit, mine, [Peer(name, theirs)], target)

    return [
        line(style, what, unit, field, target)
        for style in STYLES
        for what, unit, field, target in (
            ("gRPC infer", "per CPU s", "per_cpu_s", SHARE),
            ("gRPC infer", "per s", "per_s", SHARE),
            ("gRPC p99", "ms", "p99_ms", None),
        )
    ]
