"""Answers of one row, encoded beforehand, with gaps for what differs between two.

Fields of a protobuf message may follow each other in any order, and encoded messages that follow each other are one
merged message: an answer is some pieces in a row. A piece whose last bytes differ is kept without them.
"""

from typing import Any

import numpy as np

from noria.serve import tensors
from noria.serve.grpc import wire
from noria.serve.grpc.messages import InferResponse, Output
from noria.serve.host import Loaded
from noria.serve.meter import Meter

ID = "0" * 36  # as long as every id of a prediction


class _Reply:
    """What is the same for raw and typed tensors: who answered, and which prediction it is; ``took`` notes its
    seconds."""

    def __init__(self, model: str, loaded: Loaded, meter: Meter) -> None:
        known = loaded.known
        self.took = meter.line((model, str(known.number), known.variant, "grpc")).took.append
        who = InferResponse(model_name=model, model_version=str(known.number))
        who.parameters["release"].string_param = known.release
        who.parameters["variant"].string_param = known.variant
        named = InferResponse()
        named.parameters["prediction_id"].string_param = ID
        self._begin = who.SerializeToString() + _up_to(ID.encode(), named)
        self._id = _up_to(ID.encode(), InferResponse(id=ID))
        self._labels, self._scores = self._pieces(loaded.signature.classes)

    def _pieces(self, classes: tuple[Any, ...] | None) -> tuple[list[bytes], bytes]:
        """The answer's tensors: a piece for each label, none in a regression, and the one that scores follow."""
        raise NotImplementedError

    def fill(self, prediction: str, id: str, said: list[float], scores: bytes) -> bytes:
        """One answer, encoded; ``scores`` are the bytes of ``said``."""
        name = prediction.encode()
        own = InferResponse(id=id).SerializeToString() if id else self._id + name
        label = self._labels[said.index(max(said))] if self._labels else b""
        return b"".join((self._begin, name, own, label, self._scores, scores))


class Raw(_Reply):
    """Tensors as raw contents."""

    def _pieces(self, classes: tuple[Any, ...] | None) -> tuple[list[bytes], bytes]:
        width = 1 if classes is None else len(classes)
        self._begin = InferResponse(outputs=_outputs(classes)).SerializeToString() + self._begin
        labels = [InferResponse(raw_output_contents=[tensors.pack_text(one)]) for one in classes or ()]
        scores = _some(width).tobytes()
        return (
            [one.SerializeToString() for one in labels],
            _up_to(scores, InferResponse(raw_output_contents=[scores])),
        )


class Typed(_Reply):
    """Tensors as typed contents."""

    def _pieces(self, classes: tuple[Any, ...] | None) -> tuple[list[bytes], bytes]:
        *label, last = _outputs(classes)
        some = _some(1 if classes is None else len(classes))
        last.contents.CopyFrom(wire.contents(some, "FP32"))
        labels = []
        for one in classes or ():
            label[0].contents.CopyFrom(wire.contents(np.array([one], dtype=object), "BYTES"))
            labels.append(InferResponse(outputs=label).SerializeToString())
        return labels, _up_to(some.tobytes(), InferResponse(outputs=[last]))


def _outputs(classes: tuple[Any, ...] | None) -> list[Any]:
    """The outputs of one row, without values."""
    if classes is None:
        return [Output(name="value", datatype="FP32", shape=[1])]
    shares = Output(name="probability", datatype="FP32", shape=[1, len(classes)])
    shares.parameters["classes"].CopyFrom(wire.classes(classes))
    return [Output(name="label", datatype="BYTES", shape=[1]), shares]


def _some(width: int) -> Any:
    return np.arange(1, width + 1, dtype="<f4")


def _up_to(end: bytes, message: Any) -> bytes:
    """An encoded message without its last bytes, which are those."""
    whole: bytes = message.SerializeToString()
    assert whole.endswith(end), "fields are encoded in the order of their numbers"
    return whole.removesuffix(end)
