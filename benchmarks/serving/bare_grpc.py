"""python -m benchmarks.serving.bare_grpc PORT FOLDER: the least that answers the same request over gRPC.

A synchronous grpcio server as its documents show it: protoc's messages, numpy arrays of the inputs, the same graph with
ONNX Runtime, an answer in the style that it was asked in; no routes, versions, checks or capture.
"""

import json
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import grpc
import numpy as np
import onnxruntime
from tritonclient.grpc import service_pb2, service_pb2_grpc

from benchmarks.serving.bare import ABOUT, GRAPH

THREADS = 10


class Model(service_pb2_grpc.GRPCInferenceServiceServicer):  # type: ignore[misc]  # it carries no types
    """Answers from the graph in the folder."""

    def __init__(self, folder: Path) -> None:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        self.session = onnxruntime.InferenceSession(str(folder / GRAPH), options, providers=["CPUExecutionProvider"])
        self.classes = json.loads((folder / ABOUT).read_text())["classes"]
        self.names = {one.name for one in self.session.get_inputs()}

    def ModelInfer(self, asked: Any, context: Any) -> Any:  # noqa: N802  # the protocol names it
        raw = asked.raw_input_contents
        values = map(_raw, asked.inputs, raw) if raw else map(_typed, asked.inputs)
        feeds = {name: array.reshape(-1, 1) for name, array in values if name in self.names}
        scores = self.session.run(None, feeds)[1]
        labels = [self.classes[place].encode() for place in scores.argmax(axis=1)]
        made = service_pb2.ModelInferResponse(model_name="bare", model_version="1", id=asked.id)
        label = made.outputs.add(name="label", datatype="BYTES", shape=[len(labels)])
        share = made.outputs.add(name="probability", datatype="FP32", shape=scores.shape)
        if raw:
            made.raw_output_contents.append(b"".join(len(one).to_bytes(4, "little") + one for one in labels))
            made.raw_output_contents.append(scores.tobytes())
        else:
            label.contents.bytes_contents.extend(labels)
            share.contents.fp32_contents.extend(scores.ravel().tolist())
        return made


def _raw(tensor: Any, data: bytes) -> tuple[str, Any]:
    if tensor.datatype != "BYTES":
        return tensor.name, np.frombuffer(data, dtype=np.float32)
    texts, at = [], 0
    while at < len(data):
        length = int.from_bytes(data[at : at + 4], "little")
        texts.append(data[at + 4 : at + 4 + length].decode())
        at += 4 + length
    return tensor.name, np.array(texts, dtype=object)


def _typed(tensor: Any) -> tuple[str, Any]:
    if tensor.datatype != "BYTES":
        return tensor.name, np.array(tensor.contents.fp32_contents, dtype=np.float32)
    return tensor.name, np.array([one.decode() for one in tensor.contents.bytes_contents], dtype=object)


def main(port: str, folder: str) -> None:
    """Serve until a signal ends it."""
    server = grpc.server(ThreadPoolExecutor(THREADS))
    service_pb2_grpc.add_GRPCInferenceServiceServicer_to_server(Model(Path(folder)), server)
    server.add_insecure_port(f"127.0.0.1:{port}")
    server.start()
    server.wait_for_termination()


if __name__ == "__main__":
    main(*sys.argv[1:])
