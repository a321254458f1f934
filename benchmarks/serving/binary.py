"""1,024 rows in one request as binary tensors, texts among them, beside ONNX Runtime alone with its arrays ready."""

import json
import os
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from importlib.metadata import version
from statistics import median
from time import perf_counter
from typing import Any

from benchmarks.measure import Line, Peer, Target
from benchmarks.project import Project, census
from benchmarks.serving import load, servers

ROWS = 1_024
TURNS = 5
SECONDS = 4
RUNS = 1_000
TWICE = Target(2.0, of_ratio=True)


@dataclass(frozen=True, slots=True)
class Sent:
    """A request as bytes, with the length of its JSON, and the same as arrays by input."""

    body: bytes
    head: int
    arrays: Mapping[str, Any]

    @property
    def headers(self) -> dict[str, str]:
        return {"Inference-Header-Content-Length": str(self.head)}


def lines() -> list[Line]:
    with ExitStack() as stack:
        project = stack.enter_context(census())
        sent = _sent(project)
        own, other = servers.processors()
        wrk = load.wrk(project.folder, other)
        ours = stack.enter_context(servers.noria(project, own))
        graph = servers.model_of(project).graph
        found: list[load.Answered] = []
        alone: list[float] = []
        for turn in range(1 + TURNS):
            answered = wrk.load(ours, sent.body, connections=1, seconds=SECONDS, headers=sent.headers)
            limit = _alone(graph, sent.arrays, own)
            if turn:
                found.append(answered)
                alone.append(limit)
    peer = Peer(f"ONNX Runtime {version('onnxruntime')} alone, in one process", alone)
    per_s = [ROWS * one.per_s for one in found]
    return [
        Line(f"binary tensors, {ROWS:,} rows, p50", "ms", [one.p50_ms for one in found], [peer], TWICE),
        Line(f"binary tensors, {ROWS:,} rows, of processor", "ms", [1000 / one.per_cpu_s for one in found], [peer]),
        Line("rows in binary tensors", "per s", per_s),
    ]


def _sent(project: Project) -> Sent:
    import numpy as np
    import polars as pl

    from noria.demo import waves

    packed = servers.released(project)
    live = waves.live(waves.people())
    rows = pl.concat([live] * (1 + ROWS // live.height)).head(ROWS)
    inputs, parts, arrays = [], [], {}
    for one in packed.signature.inputs:
        text = one.datatype == "BYTES"
        values = rows[one.name].fill_null("missing") if text else rows[one.name].cast(pl.Float32)
        arrays[one.name] = np.array(values.to_list(), dtype=object if text else np.float32).reshape(-1, 1)
        data = b"".join(map(_packed, values)) if text else arrays[one.name].tobytes()
        parts.append(data)
        inputs.append({
            "name": one.name, "shape": [ROWS], "datatype": one.datatype, "parameters": {"binary_data_size": len(data)}
        })  # fmt: skip
    head = json.dumps({"inputs": inputs, "parameters": {"binary_data_output": True}}).encode()
    return Sent(b"".join([head, *parts]), len(head), arrays)


def _packed(text: str) -> bytes:
    data = text.encode()
    return len(data).to_bytes(4, "little") + data


def _alone(graph: bytes, arrays: Mapping[str, Any], cpu: int | None) -> float:
    """Milliseconds of a run, on the server's processor."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    session = onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])
    feeds = {one.name: arrays[one.name] for one in session.get_inputs()}
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, before if cpu is None else {cpu})
    try:
        times = []
        for _ in range(RUNS):
            began = perf_counter()
            session.run(None, feeds)
            times.append(perf_counter() - began)
    finally:
        os.sched_setaffinity(0, before)
    return 1000 * median(times)
