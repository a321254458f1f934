"""One row a request over gRPC, by raw and typed contents: answers a second of processor time, how long one takes.

h2load sends the same message over and over, as gRPC frames it: a client in Python is slower than the servers are.
"""

import json
import os
import subprocess
from contextlib import ExitStack
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from statistics import quantiles
from time import sleep

from benchmarks import peers
from benchmarks.measure import Line, Peer, Target, Trouble
from benchmarks.processes import cpu_seconds, said
from benchmarks.project import NAME, census
from benchmarks.serving import servers
from benchmarks.serving.load import SETTLE_S, Answered
from benchmarks.serving.servers import Model, Server

TURNS = 3
CALLERS = 8
SECONDS = 5
WARM_S = 2
SHARE = Target(0.85, most=False, of_ratio=True)
STYLES = "raw", "typed"
CALL = "/inference.GRPCInferenceService/ModelInfer"
HEADERS = "content-type: application/grpc", "te: trailers"
PREFIX = 5  # bytes before a message


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
            for file in files.values():
                _check(server, file)
            load(server, files["raw"], WARM_S, other)
        for _ in range(TURNS):
            for style, file in files.items():
                for server, one in found.items():
                    one.answers[style].append(load(server, file, SECONDS, other))
    return _lines(*found.values())


def load(server: Server, file: Path, seconds: int, cpu: int | None) -> Answered:
    """Ask a server as often as it answers; what it does about requests afterwards counts as theirs."""
    pinned = [] if cpu is None else ["taskset", "-c", str(cpu)]
    program, env = peers.h2load()
    log = file.with_suffix(".times")
    log.unlink(missing_ok=True)
    given = ["-t1", f"-c{CALLERS}", "-m1", f"-D{seconds}", "-d", str(file), f"--log-file={log}"]
    headers = [word for one in HEADERS for word in ("-H", one)]
    before = cpu_seconds(server.session)
    done = subprocess.run(
        [*pinned, *program, *given, *headers, f"http://{server.url}{CALL}"],
        env={**os.environ, **env}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    sleep(SETTLE_S)
    server.settle()
    took = cpu_seconds(server.session) - before
    if done.returncode:
        raise Trouble(said("h2load", done.returncode, done.stderr))
    times = [line.split("\t") for line in log.read_text().splitlines()]
    if not times or {status for _, status, _ in times} != {"200"}:
        raise Trouble("h2load got an answer that is none")
    answered = [int(took) / 1000 for *_, took in times]
    shares = quantiles(answered, n=100)
    return Answered(len(times) / seconds, len(times) / took, shares[49], shares[98])


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
    data = asked.SerializeToString()
    file.write_bytes(b"\0" + len(data).to_bytes(4, "big") + data)  # not compressed, and its length
    return file


def _check(server: Server, file: Path) -> None:
    """``Trouble`` if the request is refused: that stands in a trailer, which h2load does not look at."""
    import grpc

    with grpc.insecure_channel(server.url) as channel:
        try:
            channel.unary_unary(CALL)(file.read_bytes()[PREFIX:])
        except grpc.RpcError as error:
            raise Trouble(f"the request is refused: {error}") from error


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
