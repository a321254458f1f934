"""The quick way of ``predict``: one row by name, its values plain."""

from typing import Annotated, Any

import msgspec

from noria.model.onnx import OneRow
from noria.model.signature import MISSING
from noria.serve.host import Loaded
from noria.serve.meter import Meter
from noria.serve.quick import Row
from noria.serve.rest.quick import ENCODE, NAN, Form, Headers, Integer, headers

Value = bool | Integer | float | str | None


class Plain(msgspec.Struct, gc=False):
    rows: Annotated[list[dict[str, Value]], msgspec.Meta(min_length=1, max_length=1)]
    id: str | None = None
    subject: str | int | None = None
    parameters: None = None


DECODE = msgspec.json.Decoder(Plain).decode


def _read(body: bytes) -> tuple[Row, str | int | None, str | None]:
    asked = DECODE(body)
    (row,) = asked.rows
    return row, asked.subject, asked.id


def _fill(model: OneRow, row: Row) -> Row | None:
    places, numbers, texts = model.places, model.numbers, model.texts
    if len(row) != len(places):
        return None
    try:
        for name, value in row.items():
            text, place = places[name]
            if value is None:
                if text:
                    texts[place] = MISSING
                else:
                    numbers[place] = NAN
            elif text:
                if type(value) is not str:
                    return None
                texts[place] = value
            else:
                numbers[place] = value
    except (KeyError, TypeError, OverflowError):  # no input of the model; a text where a number is due; a huge number
        return None
    return row


class Rows:
    """Implements ``Text`` in the form of ``predict``."""

    def __init__(self, model: str, loaded: Loaded, meter: Meter) -> None:
        known, classes = loaded.known, loaded.signature.classes
        self.took = meter.line((model, str(known.number), known.variant, "rest")).took.append
        self._headers = headers(loaded)
        told: tuple[Any, ...] = ENCODE(known.release), ENCODE(known.variant)
        self._begin = b'{"model_name":%b,"model_version":"%d","id":' % (ENCODE(model), known.number)
        self._id = b',"parameters":{"prediction_id":"'
        self._made = b'","release":%b,"variant":%b},"predictions":[{"id":"' % told
        self._end = b',"version":"%d","release":%b,"variant":%b}]}' % (known.number, *told)
        self._names = None if classes is None else list(map(str, classes))
        self._labels = () if classes is None else tuple(map(ENCODE, classes))

    def fill(self, prediction: str, id: str | None, said: list[float]) -> tuple[Headers, bytes]:
        name = prediction.encode()
        own = b'"%b"' % name if id is None else ENCODE(id)
        if self._names is None:
            found = b'","value":' + ENCODE(said[0])
        else:
            shares = ENCODE(dict(zip(self._names, said, strict=True)))
            found = b'","label":%b,"probabilities":%b' % (self._labels[said.index(max(said))], shares)
        body = (self._begin, own, self._id, name, self._made, name, found, self._end)
        return [*self._headers, ("noria-prediction-id", prediction)], b"".join(body)


PREDICT = Form("predict", _read, _fill, Rows)
