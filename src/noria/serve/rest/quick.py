"""The quick way of REST: one plain row in JSON, by decoders that take nothing but the plain form of ``infer``, and in
``rows.py`` of ``predict``.

An input too many or too few, several rows, a value of another type, binary tensors are declined here and go the
general way; the answer is text made beforehand, with gaps for what differs.
"""

from collections.abc import Callable
from dataclasses import dataclass
from time import perf_counter
from typing import Annotated, Any, Literal, Protocol

import msgspec

from noria.model.onnx import OneRow
from noria.model.signature import MISSING
from noria.serve.host import Loaded
from noria.serve.meter import Meter
from noria.serve.predict import Service
from noria.serve.quick import Row, Track

EXACT = 2**53  # integers up to here are the same as floats
NAN = float("nan")
Headers = list[tuple[str, str]]
Integer = Annotated[int, msgspec.Meta(ge=-EXACT, le=EXACT)]
Shape = Annotated[list[Literal[1]], msgspec.Meta(min_length=1, max_length=2)]
Datatype = Literal[
    "FP32", "FP64", "BYTES", "BOOL", "INT8", "INT16", "INT32", "INT64", "UINT8", "UINT16", "UINT32", "UINT64"
]


class Cell(msgspec.Struct, gc=False):
    name: str
    shape: Shape
    datatype: Datatype
    data: tuple[bool | Integer | float | str | None]
    parameters: None = None


class Asked(msgspec.Struct, gc=False, forbid_unknown_fields=True):
    subject: str | int | None = None


class Plain(msgspec.Struct, gc=False):
    inputs: list[Cell]
    id: str | None = None
    outputs: None = None
    parameters: Asked | None = None


DECODE = msgspec.json.Decoder(Plain).decode
ENCODE = msgspec.json.Encoder().encode
NOT_PLAIN = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)


class Text(Protocol):
    """What a version answers, encoded, with gaps for what differs between two answers; ``took`` notes its seconds."""

    took: Callable[[float], None]

    def fill(self, prediction: str, id: str | None, said: list[float]) -> tuple[Headers, bytes]:
        """The headers and the body of one answer."""
        ...


@dataclass(frozen=True, slots=True)
class Form:
    """One form of request and answer.

    call
        The use case of ``Calls`` that takes what this way declines; its path has the same name.
    read
        What was sent, the subject and the caller's id; raises one of ``NOT_PLAIN``.
    """

    call: str
    read: Callable[[bytes], tuple[Any, str | int | None, str | None]]
    fill: Callable[[OneRow, Any], Row | None]
    make: Callable[[str, Loaded, Meter], Text]


class Lane:
    """Plain requests for one endpoint, or for one of its versions."""

    def __init__(self, service: Service, model: str, version: int | None, form: Form) -> None:
        self.model = model
        self.version = version
        self.call = form.call
        self._read = form.read
        meter = service.watch.meter
        self._track: Track[Any, Text] = Track(
            service, service.ids, model, version, form.fill, lambda name, loaded: form.make(name, loaded, meter)
        )

    def answer(self, body: bytes) -> tuple[Headers, bytes] | None:
        """The answer, captured; None if the request must go the general way."""
        began = perf_counter()
        try:
            sent, told, own = self._read(body)
        except NOT_PLAIN:
            return None
        answered = self._track.answer(sent, None if told is None else str(told))
        if answered is None:
            return None
        id, text, said, _ = answered
        made = text.fill(id, own, said)
        text.took(perf_counter() - began)
        return made


def _read(body: bytes) -> tuple[list[Cell], str | int | None, str | None]:
    asked = DECODE(body)
    return asked.inputs, None if asked.parameters is None else asked.parameters.subject, asked.id


def _fill(model: OneRow, cells: list[Cell]) -> Row | None:
    """Put the values where the graph is fed from; the row as it was sent. None if it is not what the model takes."""
    row: Row = {}
    places, numbers, texts = model.places, model.numbers, model.texts
    if len(cells) != len(places):
        return None
    try:
        for cell in cells:
            text, place = places[cell.name]
            if text is not (cell.datatype == "BYTES"):
                return None
            (row[cell.name],) = (value,) = cell.data
            if text:
                if value is not None and type(value) is not str:
                    return None
                texts[place] = MISSING if value is None else value
            else:
                numbers[place] = NAN if value is None else value  # type: ignore[assignment]  # refuses texts itself
    except (KeyError, TypeError, OverflowError):  # no input of the model; a text where a number is due; a huge number
        return None
    return row if len(row) == len(places) else None


def headers(loaded: Loaded) -> Headers:
    """Those that are the same in all answers of a version."""
    known = loaded.known
    return [
        ("content-type", "application/json"),
        ("noria-model-version", str(known.number)),
        ("noria-release", known.release),
        ("noria-variant", known.variant),
    ]


class Tensors:
    """Implements ``Text`` in the form of the Open Inference Protocol."""

    def __init__(self, model: str, loaded: Loaded, meter: Meter) -> None:
        known, classes = loaded.known, loaded.signature.classes
        self.took = meter.line((model, str(known.number), known.variant, "rest")).took.append
        self._headers = headers(loaded)
        self._begin = b'{"model_name":%b,"model_version":"%d","id":' % (ENCODE(model), known.number)
        self._id = b',"parameters":{"prediction_id":"'
        self._made = b'","release":%b,"variant":%b},"outputs":[' % (ENCODE(known.release), ENCODE(known.variant))
        self._labels = None if classes is None else [ENCODE(str(one)) for one in classes]
        if classes is None:
            self._scores = b'{"name":"value","datatype":"FP32","shape":[1],"data":'
        else:
            shape = ENCODE([1, len(classes)]), ENCODE(list(classes))
            self._made += b'{"name":"label","datatype":"BYTES","shape":[1],"data":['
            self._scores = (
                b']},{"name":"probability","datatype":"FP32","shape":%b,"parameters":{"classes":%b},"data":' % shape
            )

    def fill(self, prediction: str, id: str | None, said: list[float]) -> tuple[Headers, bytes]:
        name = prediction.encode()
        own = b'"%b"' % name if id is None else ENCODE(id)
        label = b"" if self._labels is None else self._labels[said.index(max(said))]
        body = (self._begin, own, self._id, name, self._made, label, self._scores, ENCODE(said), b"}]}")
        return [*self._headers, ("noria-prediction-id", prediction)], b"".join(body)


INFER = Form("infer", _read, _fill, Tensors)
