"""One ONNX graph from raw columns to probabilities, run by ONNX Runtime."""

from array import array
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from noria.model import several
from noria.model.format import Prediction, answer
from noria.model.signature import MISSING, Columns, Signature
from noria.model.texts import Texts

THREADS = 1  # a server answers many requests at once; threads inside one answer would fight over the cores


@dataclass(frozen=True, slots=True)
class Graph:
    signature: Signature
    session: Any
    inputs: tuple[str, ...]  # the graph drops columns that the model does not use
    seen: tuple[int, ...]
    outputs: tuple[str, ...]

    @property
    def output(self) -> str:
        """The one that holds scores, or else labels: nobody needs the others."""
        if self.signature.classes is None:
            return self.outputs[0]
        return self.outputs[-1 if self.signature.several else min(1, len(self.outputs) - 1)]

    def predict(self, columns: Columns) -> Prediction:
        clean = self.signature.clean(columns)
        (found,) = self.session.run([self.output], {name: _fed(clean[name]) for name in self.inputs})
        if self.signature.classes is None:
            return answer(found, self.signature)
        if self.signature.several:
            return answer(several.stacked(found), self.signature)
        scores = found if len(self.outputs) > 1 else _one_hot(found, self.seen)
        return answer(scores, self.signature, np.array(self.seen, dtype=np.intp))

    def one_row(self) -> "OneRow | None":
        """The graph for requests of one row; None if its outputs need more than to be taken."""
        classes = self.signature.classes
        if classes is None:
            return OneRow(self)
        if self.signature.several:  # its outputs have a form of their own
            return None
        whole = len(self.outputs) > 1 and self.seen in ((), tuple(range(len(classes))))
        return OneRow(self) if whole else None


class OneRow:
    """A graph fed from two arrays that are made once and filled for each row. For one thread only.

    ``places`` tells for each input whether it is text, and where its value goes: in ``texts`` or in ``numbers``.
    """

    def __init__(self, graph: Graph) -> None:
        fields = graph.signature.inputs
        names = {text: [one.name for one in fields if one.numeric is not text] for text in (False, True)}
        self.places = {name: (text, place) for text, some in names.items() for place, name in enumerate(some)}
        self.numbers = array("f", bytes(4 * len(names[False])))
        self.texts = np.full(len(names[True]), MISSING, dtype=object)
        numbers = np.frombuffer(self.numbers, dtype=np.float32) if names[False] else np.empty(0, dtype=np.float32)
        self._session = graph.session
        self._outputs = [graph.output]
        self._feeds = {
            name: (self.texts if text else numbers)[place : place + 1].reshape(1, 1)
            for name, (text, place) in self.places.items()
            if name in graph.inputs
        }

    def scores(self) -> NDArray[np.float32]:
        """Probabilities, or one value, for the row that stands in the arrays."""
        found: NDArray[np.float32] = self._session.run(self._outputs, self._feeds)[0]
        return found.reshape(-1)


class _Format:
    def load(self, files: Mapping[str, bytes], signature: Signature, *, trusted: bool) -> Graph:
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = THREADS
        options.log_severity_level = 3
        session = onnxruntime.InferenceSession(files["model.onnx"], options, providers=["CPUExecutionProvider"])
        seen = tuple(int(one) for one in files.get("classes.txt", b"").split())
        inputs, outputs = (tuple(one.name for one in some) for some in (session.get_inputs(), session.get_outputs()))
        return Graph(signature, session, inputs, seen, outputs)


FORMAT = _Format()


def _fed(values: "NDArray[Any] | Texts") -> NDArray[Any]:
    return (values.ended() if isinstance(values, Texts) else values).reshape(-1, 1)


def _one_hot(labels: NDArray[Any], seen: tuple[int, ...]) -> NDArray[np.float32]:
    hot: NDArray[np.float32] = np.equal(np.asarray(labels).reshape(-1, 1), np.array(seen)[None, :]).astype(np.float32)
    return hot
