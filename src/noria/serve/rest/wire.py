"""Bodies that are sent, JSON of the Open Inference Protocol and of the friendlier ``predict``, as protocol values."""

from typing import Annotated, Any

import msgspec

from noria.errors import BadInput
from noria.model.several import BETWEEN
from noria.serve import about, tensors
from noria.serve.protocol import DTYPES, Feedback, Request
from noria.serve.rest import binary


class Tensor(msgspec.Struct):
    name: str
    shape: list[int]
    datatype: str
    data: list[Any] | None = None
    parameters: dict[str, Any] | None = None


class Output(msgspec.Struct):
    name: str
    parameters: dict[str, Any] | None = None


class Infer(msgspec.Struct):
    inputs: list[Tensor]
    id: str | None = None
    outputs: list[Output] | None = None
    parameters: dict[str, Any] | None = None


class Predict(msgspec.Struct):
    rows: list[dict[str, Any]]
    id: str | None = None
    subject: str | int | None = None
    parameters: dict[str, Any] | None = None


class Told(msgspec.Struct, forbid_unknown_fields=True):
    prediction_id: str
    label: str | int | float | bool | list[str] | None = None
    rating: float | None = None
    source: str = "rest"


class ManyFeedbacks(msgspec.Struct, forbid_unknown_fields=True):
    feedback: list[Told]


class Weights(msgspec.Struct, forbid_unknown_fields=True):
    weights: dict[Annotated[str, msgspec.Meta(pattern="^[0-9]{1,9}$")], Annotated[int, msgspec.Meta(ge=0, le=10**9)]]
    reason: Annotated[str, msgspec.Meta(max_length=1000)] = "set over the network"


class Index(msgspec.Struct):
    ready: bool = False


class OfVersion(msgspec.Struct):
    version: str | int | None = None


class Loading(msgspec.Struct):
    parameters: OfVersion | None = None


INFER = msgspec.json.Decoder(Infer)
WEIGHTS = msgspec.json.Decoder(Weights)
INDEX = msgspec.json.Decoder(Index)
LOADING = msgspec.json.Decoder(Loading)
PREDICT = msgspec.json.Decoder(Predict)
FEEDBACK = msgspec.json.Decoder(Told)
MANY = msgspec.json.Decoder(ManyFeedbacks)
KEYS = msgspec.json.Decoder(dict[str, msgspec.Raw])


def decode(decoder: msgspec.json.Decoder[Any], body: bytes) -> Any:
    """A body as the structure it must have; ``BadInput`` names the place that does not fit."""
    try:
        return decoder.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise BadInput(f"the body is not what is expected: {error}", where="body", do="Correct the request.") from error


def infer(model: str, version: int | None, body: bytes, json_length: int | None) -> tuple[Request, Infer]:
    """An ``infer`` body as a request.

    Parameters
    ----------
    json_length
        Length of the JSON part if tensors follow it (the binary tensor extension); None: all of it is JSON.
    """
    raw = decode(INFER, body if json_length is None else body[:json_length])
    rest = memoryview(b"" if json_length is None else body)[json_length or 0 :]
    found: list[tuple[str, int, Any]] = []
    for tensor in raw.inputs:
        count = tensors.count(tensor.name, tensor.shape)
        values, rest = _values(tensor, count, rest)
        found.append((tensor.name, count, values))
    if len(rest):
        raise BadInput(f"{len(rest)} bytes follow the last tensor", where="body", do="Correct binary_data_size.")
    columns, rows = tensors.gather(found)
    given = raw.parameters or {}
    subject = given.get("subject")
    request = Request(
        model=model,
        columns=columns,
        rows=rows,
        id=raw.id,
        subject=None if subject is None else str(subject),
        version=version,
        outputs=tuple(one.name for one in raw.outputs or ()),
        parameters=given,
    )
    return request, raw


def predict(model: str, version: int | None, body: bytes) -> Request:
    """A ``predict`` body as a request: rows become columns, a name that a row lacks is a missing value there."""
    raw = decode(PREDICT, body)
    names = dict.fromkeys(name for row in raw.rows for name in row)
    columns = {name: [scalar(row.get(name), name) for row in raw.rows] for name in names}
    subject = None if raw.subject is None else str(raw.subject)
    return Request(model, columns, tensors.bounded(len(raw.rows)), raw.id, subject, version, (), raw.parameters or {})


def feedback(body: bytes) -> list[Feedback]:
    """A feedback body: one, or a list of them under ``feedback``."""
    many = "feedback" in decode(KEYS, body)
    told = decode(MANY, body).feedback if many else [decode(FEEDBACK, body)]
    return [Feedback(one.prediction_id, _one(one.label), one.rating, one.source) for one in told]


def _one(value: Any) -> Any:
    """A list of texts as the one text that tables hold for it."""
    if isinstance(value, list) and all(isinstance(one, str) for one in value):
        return BETWEEN.join(value)
    return value


def _values(tensor: Tensor, count: int, rest: memoryview) -> tuple[Any, memoryview]:
    size = (tensor.parameters or {}).get("binary_data_size")
    if size is not None:
        return binary.cut(tensor.name, tensor.datatype, size, rest)
    if tensor.data is None:
        raise BadInput(f"input {tensor.name!r} has no data", where="inputs", do="Send data or binary_data_size.")
    if tensor.datatype != "BYTES" and (tensor.datatype not in DTYPES or tensor.datatype == "FP16"):
        raise BadInput(
            f"input {tensor.name!r} has datatype {tensor.datatype!r}",
            where="inputs",
            do="In JSON: BOOL, INT*, UINT*, FP32, FP64, BYTES.",
        )
    data = tensor.data
    while data and isinstance(data[0], list):
        data = _flat(tensor.name, data)
    if len(data) != count:
        raise BadInput(
            f"input {tensor.name!r} has {len(data)} values for shape {tensor.shape}", where="inputs", do="Align them."
        )
    text = tensor.datatype == "BYTES"
    for one in data:
        if one is not None and (isinstance(one, str) is not text or isinstance(one, dict | list)):
            raise BadInput(
                f"input {tensor.name!r} of {tensor.datatype} holds {str(one)[:40]!r}",
                where="inputs",
                do="Send its datatype.",
            )
    return data, rest


def _flat(name: str, data: list[Any]) -> list[Any]:
    if not all(isinstance(one, list) for one in data):
        raise BadInput(f"input {name!r} is ragged", where="inputs", do="Send rows of equal length.")
    return [value for one in data for value in one]


def version(body: bytes) -> int | None:
    """The version that is to be loaded or unloaded, if the body names one."""
    given = decode(LOADING, body).parameters if body else None
    return None if given is None or given.version is None else about.number(str(given.version))


def scalar(value: Any, name: str) -> Any:
    """A value of a row, a list of texts as one text; ``BadInput`` if it is none that a table holds."""
    value = _one(value)
    if isinstance(value, dict | list):
        raise BadInput(
            f"{name!r} holds {type(value).__name__}", where="rows", do="Send numbers, texts, true, false or null."
        )
    return value
