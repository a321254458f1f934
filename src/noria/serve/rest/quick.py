"""The path that most requests take: ``infer`` in JSON with one plain row for a graph.

It does what ``wire``, ``predict`` and ``app`` do together, with all that does not change between two requests done
beforehand: a decoder that takes nothing but the plain form, the arrays that the graph is fed from, the answer's text
with gaps for what differs. It answers or it declines, and never refuses: what it does not know (an input too many or
too few, several rows, a value of another type, binary tensors, a version that is still to be loaded) goes the general
way, which also has the words for what is wrong. Both ways give the same answer; a test compares them.
"""

from math import isnan
from time import time
from typing import Annotated, Any, Literal

import msgspec

from noria.model.onnx import OneRow
from noria.model.signature import MISSING
from noria.serve.host import Endpoint, Loaded
from noria.serve.predict import Service
from noria.serve.segment import PredictedRow

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


class Lane:
    """Plain requests for one endpoint, or for one of its versions."""

    def __init__(self, service: Service, model: str, version: int | None) -> None:
        self.model = model
        self.version = version
        self._host = service.host
        self._spool = service.spool
        self._new_id = service.ids.new
        self._endpoint: Endpoint | None = None
        self._texts: dict[int, Text] = {}

    def answer(self, body: bytes) -> tuple[Headers, bytes] | None:
        """The answer, captured; None if the request must go the general way."""
        try:
            asked = DECODE(body)
        except NOT_PLAIN:
            return None
        endpoint = self._host.endpoints.get(self.model)
        if endpoint is None:
            return None
        told = None if asked.parameters is None else asked.parameters.subject
        subject = None if told is None else str(told)
        id = self._new_id(self.model)
        number = endpoint.split.choose(subject or id) if self.version is None else self.version
        loaded = endpoint.loaded.get(number)
        if loaded is None or loaded.one_row is None:
            return None
        row = _fill(loaded.one_row, asked.inputs)
        if row is None:
            return None
        try:
            scores = loaded.one_row.scores()
        except (ValueError, TypeError, OverflowError):
            return None
        said = scores.tolist()
        if isnan(sum(said)):
            return None
        known = loaded.known
        if loaded.subject is not None:
            own = row.setdefault(loaded.subject, subject)
            subject = None if own is None else str(own)
        key = self._spool.key(self.model, number, known.release, loaded.signature.classes, loaded.subject)
        data = ENCODE(row), scores.tobytes()
        self._spool.note(PredictedRow(key, id, time(), known.variant, subject, *data))
        if endpoint is not self._endpoint:  # the route changed: versions may have gone, or have other parts in it
            self._endpoint, self._texts = endpoint, {}
        text = self._texts.get(number)
        if text is None:
            text = self._texts[number] = Text(self.model, loaded)
        return text.fill(id, asked.id, said)


def _fill(model: OneRow, cells: list[Cell]) -> dict[str, Any] | None:
    """Put the values where the graph is fed from; the row as it was sent. None if it is not what the model takes."""
    row: dict[str, Any] = {}
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
    except (KeyError, TypeError):  # an input that the model does not know; a text where a number is due
        return None
    return row if len(row) == len(places) else None


class Text:
    """What a version answers, encoded, with gaps for what differs between two answers."""

    def __init__(self, model: str, loaded: Loaded) -> None:
        known, classes = loaded.known, loaded.signature.classes
        self._headers = [
            ("content-type", "application/json"),
            ("noria-model-version", str(known.number)),
            ("noria-release", known.release),
            ("noria-variant", known.variant),
        ]
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
        """The headers and the body of one answer."""
        name = prediction.encode()
        own = b'"%b"' % name if id is None else ENCODE(id)
        label = b"" if self._labels is None else self._labels[said.index(max(said))]
        body = (self._begin, own, self._id, name, self._made, label, self._scores, ENCODE(said), b"}]}")
        return [*self._headers, ("noria-prediction-id", prediction)], b"".join(body)
