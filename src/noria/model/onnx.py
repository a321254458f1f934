"""One ONNX graph from raw columns to probabilities, run by ONNX Runtime."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from noria.model.format import Prediction, answer
from noria.model.signature import Columns, Signature

THREADS = 1  # a server answers many requests at once; threads inside one answer would fight over the cores


@dataclass(frozen=True, slots=True)
class Graph:
    signature: Signature
    session: Any
    inputs: tuple[str, ...]  # the graph drops columns that the model does not use
    seen: tuple[int, ...]

    def predict(self, columns: Columns) -> Prediction:
        clean = self.signature.clean(columns)
        outputs = self.session.run(None, {name: clean[name].reshape(-1, 1) for name in self.inputs})
        if self.signature.classes is None:
            return answer(outputs[0], self.signature)
        scores = outputs[1] if len(outputs) > 1 else _one_hot(outputs[0], self.seen)
        return answer(scores, self.signature, np.array(self.seen, dtype=np.intp))


class _Format:
    def load(self, files: Mapping[str, bytes], signature: Signature, *, trusted: bool) -> Graph:
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = THREADS
        options.log_severity_level = 3
        session = onnxruntime.InferenceSession(files["model.onnx"], options, providers=["CPUExecutionProvider"])
        seen = tuple(int(one) for one in files.get("classes.txt", b"").split())
        return Graph(signature, session, tuple(one.name for one in session.get_inputs()), seen)


FORMAT = _Format()


def _one_hot(labels: NDArray[Any], seen: tuple[int, ...]) -> NDArray[np.float32]:
    hot: NDArray[np.float32] = np.equal(np.asarray(labels).reshape(-1, 1), np.array(seen)[None, :]).astype(np.float32)
    return hot
