"""python -m benchmarks.serving.bare KIND PORT FOLDER: the least that could answer the same request, on noria's server.

``constant`` reads the body and returns a fixed answer: what HTTP costs. ``model`` decodes the typed request with
msgspec, runs the same graph with ONNX Runtime, and encodes the answer: what a careful hand would write, with no routes,
versions, checks or capture.
"""

import json
import os
import sys
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
from granian import Granian
from granian.constants import HTTPModes, Interfaces, Loops
from granian.log import LogLevels

GRAPH, ABOUT = "model.onnx", "model.json"  # what ``model`` finds in its folder
JSON = [("content-type", "application/json")]
ENCODER = msgspec.json.Encoder()


class Tensor(msgspec.Struct):
    name: str
    shape: list[int]
    datatype: str
    data: list[Any]


class Infer(msgspec.Struct):
    inputs: list[Tensor]


class Constant:
    """Answers whatever it is asked with the bytes in the environment's ``BARE_ANSWER``."""

    def __init__(self) -> None:
        self.answer = os.environ["BARE_ANSWER"].encode()

    async def __rsgi__(self, scope: Any, proto: Any) -> None:
        await proto()
        proto.response_bytes(200, JSON, self.answer)


class Model:
    """Answers from the graph in the environment's ``BARE_FOLDER``."""

    def __init__(self) -> None:
        import onnxruntime

        folder = Path(os.environ["BARE_FOLDER"])
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        self.session = onnxruntime.InferenceSession(str(folder / GRAPH), options, providers=["CPUExecutionProvider"])
        self.classes = json.loads((folder / ABOUT).read_text())["classes"]
        self.names = {one.name for one in self.session.get_inputs()}
        self.decoder = msgspec.json.Decoder(Infer)

    async def __rsgi__(self, scope: Any, proto: Any) -> None:
        proto.response_bytes(200, JSON, self.infer(await proto()))

    def infer(self, body: bytes) -> bytes:
        inputs = self.decoder.decode(body).inputs
        feeds = {
            one.name: np.array(one.data, dtype=object if one.datatype == "BYTES" else np.float32).reshape(-1, 1)
            for one in inputs
            if one.name in self.names
        }
        scores = self.session.run(None, feeds)[1]
        labels = [self.classes[place] for place in scores.argmax(axis=1)]
        rows, width = scores.shape
        shares = scores.ravel().tolist()
        return ENCODER.encode(
            {
                "model_name": "bare",
                "outputs": [
                    {"name": "label", "datatype": "BYTES", "shape": [rows], "data": labels},
                    {"name": "probability", "datatype": "FP32", "shape": [rows, width], "data": shares},
                ],
            }
        )


def constant() -> Constant:
    return Constant()


def model() -> Model:
    return Model()


def main(kind: str, port: str, folder: str) -> None:
    """Serve until a signal ends it, by the settings that noria gives its server."""
    os.environ["BARE_FOLDER"] = folder
    Granian(
        f"benchmarks.serving.bare:{kind}",
        address="127.0.0.1",
        port=int(port),
        interface=Interfaces.RSGI,
        workers=1,
        http=HTTPModes.auto,
        loop=Loops.auto,
        websockets=False,
        factory=True,
        log_level=LogLevels.warning,
    ).serve()


if __name__ == "__main__":
    main(*sys.argv[1:])
