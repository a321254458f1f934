"""The quick way of gRPC: one plain row, its tensors as raw bytes or typed contents of the datatypes in common use."""

from collections.abc import Callable
from struct import Struct, error
from time import perf_counter
from typing import Any

from noria.model.onnx import OneRow
from noria.model.texts import LENGTH
from noria.serve.grpc import wire
from noria.serve.grpc.messages import InferRequest
from noria.serve.grpc.replies import Raw, Typed
from noria.serve.ids import Ids
from noria.serve.predict import Service
from noria.serve.quick import Row, Track

SHAPES = [1], [1, 1]
RAW: dict[str, Callable[[bytes], tuple[Any, ...]]] = {
    datatype: Struct("<" + letter).unpack
    for datatype, letter in {
        "BOOL": "?", "UINT8": "B", "UINT16": "H", "UINT32": "I", "UINT64": "Q",
        "INT8": "b", "INT16": "h", "INT32": "i", "INT64": "q", "FP32": "f", "FP64": "d",
    }.items()
}  # fmt: skip
TYPED = {one: wire.FIELDS[one] for one in ("BOOL", "INT32", "INT64", "UINT32", "UINT64", "FP32", "FP64")}
DECLINED = (KeyError, TypeError, ValueError, OverflowError, UnicodeDecodeError, error)


class Lane:
    """Plain requests for one endpoint, or for one of its versions. For one thread at a time."""

    def __init__(self, service: Service, ids: Ids, model: str, version: int | None) -> None:
        meter = service.watch.meter
        self._raw: Track[InferRequest, Raw] = Track(
            service, ids, model, version, _fill_raw, lambda name, loaded: Raw(name, loaded, meter)
        )
        self._typed: Track[InferRequest, Typed] = Track(
            service, ids, model, version, _fill_typed, lambda name, loaded: Typed(name, loaded, meter)
        )

    def answer(self, asked: InferRequest) -> bytes | None:
        """The answer, captured; None if the request must go the general way."""
        began = perf_counter()
        if asked.outputs:
            return None
        subject = None
        if asked.parameters:
            told = asked.parameters.get("subject")
            kind = None if told is None else told.WhichOneof("parameter_choice")
            subject = None if kind is None else str(getattr(told, kind))
        track: Track[InferRequest, Any] = self._raw if asked.raw_input_contents else self._typed
        answered = track.answer(asked, subject)
        if answered is None:
            return None
        id, made, said, scores = answered
        own: bytes = made.fill(id, asked.id, said, scores.tobytes())
        made.took(perf_counter() - began)
        return own


def _fill_raw(model: OneRow, asked: InferRequest) -> Row | None:
    """Put the values where the graph is fed from; the row as it was sent. None if it is not what the model takes."""
    row: Row = {}
    places, numbers, texts = model.places, model.numbers, model.texts
    raw = asked.raw_input_contents
    if len(raw) != len(places) or len(asked.inputs) != len(places):
        return None
    try:
        for tensor, data in zip(asked.inputs, raw):
            name, datatype = tensor.name, tensor.datatype
            text, place = places[name]
            if tensor.shape not in SHAPES or text is not (datatype == "BYTES") or tensor.HasField("contents"):
                return None
            if text:
                if LENGTH.unpack_from(data)[0] != len(data) - LENGTH.size:
                    return None
                row[name] = texts[place] = data[LENGTH.size :].decode()
            else:
                (row[name],) = (value,) = RAW[datatype](data)
                numbers[place] = value
    except DECLINED:
        return None
    return row if len(row) == len(places) else None


def _fill_typed(model: OneRow, asked: InferRequest) -> Row | None:
    row: Row = {}
    places, numbers, texts = model.places, model.numbers, model.texts
    if len(asked.inputs) != len(places):
        return None
    try:
        for tensor in asked.inputs:
            name, datatype = tensor.name, tensor.datatype
            text, place = places[name]
            if tensor.shape not in SHAPES or text is not (datatype == "BYTES"):
                return None
            if text:
                (data,) = tensor.contents.bytes_contents
                row[name] = texts[place] = data.decode()
            else:
                (row[name],) = (value,) = getattr(tensor.contents, TYPED[datatype])
                numbers[place] = value
    except DECLINED:
        return None
    return row if len(row) == len(places) else None
