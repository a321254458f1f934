"""JSON of the Open Inference Protocol, and of the friendlier ``predict``, to and from the protocol's values."""

from collections.abc import Mapping, Sequence
from math import prod
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from noria.errors import BadInput
from noria.serve import ids
from noria.serve.protocol import DTYPES, Answer, Feedback, Request
from noria.serve.rest import binary

MOST_ROWS = 65_536


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
    label: str | int | float | bool | None = None
    rating: float | None = None
    source: str = "rest"


class ManyFeedbacks(msgspec.Struct, forbid_unknown_fields=True):
    feedback: list[Told]


INFER = msgspec.json.Decoder(Infer)
PREDICT = msgspec.json.Decoder(Predict)
FEEDBACK = msgspec.json.Decoder(Told)
MANY = msgspec.json.Decoder(ManyFeedbacks)
KEYS = msgspec.json.Decoder(dict[str, msgspec.Raw])
ENCODER = msgspec.json.Encoder()


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
    columns: dict[str, Any] = {}
    rows = -1
    for tensor in raw.inputs:
        values, rest = _values(tensor, rest)
        if tensor.name in columns:
            raise BadInput(f"input {tensor.name!r} is there twice", where="inputs", do="Send each input once.")
        if rows not in (-1, tensor.shape[0]):
            raise BadInput(
                f"input {tensor.name!r} has {tensor.shape[0]} rows, the one before {rows}",
                where="inputs",
                do="Align them.",
            )
        rows = tensor.shape[0]
        columns[tensor.name] = values
    if len(rest):
        raise BadInput(f"{len(rest)} bytes follow the last tensor", where="body", do="Correct binary_data_size.")
    given = raw.parameters or {}
    subject = given.get("subject")
    request = Request(
        model=model,
        columns=columns,
        rows=bounded(max(rows, 0)),
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
    return Request(model, columns, bounded(len(raw.rows)), raw.id, subject, version, (), raw.parameters or {})


def feedback(body: bytes) -> list[Feedback]:
    """A feedback body: one, or a list of them under ``feedback``."""
    many = "feedback" in decode(KEYS, body)
    told = decode(MANY, body).feedback if many else [decode(FEEDBACK, body)]
    return [Feedback(one.prediction_id, one.label, one.rating, one.source) for one in told]


def answer_infer(answer: Answer, request: Request, raw: Infer) -> tuple[bytes, int | None]:
    """The body of an answer, and the length of its JSON part if tensors follow it."""
    tensors = _tensors(answer, request.outputs)
    wanted = binary.wanted(raw)
    tail: list[bytes] = []
    outputs = []
    for name, datatype, values in tensors:
        entry: dict[str, Any] = {"name": name, "datatype": datatype, "shape": list(values.shape)}
        if name == "probability":
            entry["parameters"] = {"classes": list(answer.signature.classes or ())}
        if wanted(name):
            data = binary.encode(values, datatype)
            entry["parameters"] = {**entry.get("parameters", {}), "binary_data_size": len(data)}
            tail.append(data)
        else:
            entry["data"] = values.reshape(-1).tolist()
        outputs.append(entry)
    head = ENCODER.encode(
        {
            "model_name": answer.model,
            "model_version": str(answer.version),
            "id": answer.prediction if request.id is None else request.id,
            "parameters": parameters(answer),
            "outputs": outputs,
        }
    )
    return (b"".join([head, *tail]), len(head)) if tail else (head, None)


def answer_predict(answer: Answer, request: Request) -> bytes:
    """The body of an answer to ``predict``: one entry a row."""
    said = {"version": str(answer.version), "release": answer.release, "variant": answer.variant}
    entries = []
    for row in range(request.rows):
        entry: dict[str, Any] = {"id": ids.of_row(answer.prediction, row, request.rows)}
        if answer.label is None:
            entry["value"] = float(answer.scores.reshape(-1)[row])
        else:
            names = map(str, answer.signature.classes or ())
            entry["label"] = answer.label[row]
            entry["probabilities"] = dict(zip(names, answer.scores[row].tolist(), strict=True))
        entries.append(entry | said)
    return ENCODER.encode(
        {
            "model_name": answer.model,
            "model_version": str(answer.version),
            "id": answer.prediction if request.id is None else request.id,
            "parameters": parameters(answer),
            "predictions": entries,
        }
    )


def parameters(answer: Answer) -> Mapping[str, Any]:
    """What every answer says beside the answer itself."""
    said = {"prediction_id": answer.prediction, "release": answer.release, "variant": answer.variant}
    return said | {"ignored": answer.ignored} if answer.ignored else said


def _tensors(answer: Answer, names: Sequence[str]) -> list[tuple[str, str, NDArray[Any]]]:
    if answer.label is None:
        there = {"value": ("FP32", answer.scores)}
    else:
        there = {"label": ("BYTES", np.array([str(one) for one in answer.label], dtype=object)),
                 "probability": ("FP32", answer.scores)}  # fmt: skip
    unknown = [name for name in names if name not in there]
    if unknown:
        raise BadInput(f"no output {unknown[0]!r}", where="outputs", do=f"There are {', '.join(there)}.")
    return [(name, *there[name]) for name in names or there]


def _values(tensor: Tensor, rest: memoryview) -> tuple[Any, memoryview]:
    if not tensor.shape or min(tensor.shape) < 0:
        raise BadInput(
            f"input {tensor.name!r} has shape {tensor.shape}", where="inputs", do="Send [rows] or [rows, 1]."
        )
    count = prod(tensor.shape)
    if count != tensor.shape[0]:
        raise BadInput(
            f"input {tensor.name!r} has shape {tensor.shape}",
            where="inputs",
            do="Each input is one column: [rows] or [rows, 1].",
        )
    size = (tensor.parameters or {}).get("binary_data_size")
    if size is not None:
        return binary.decode(tensor.name, tensor.datatype, count, size, rest)
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


def scalar(value: Any, name: str) -> Any:
    """A value of a row; ``BadInput`` if it is none that a table holds."""
    if isinstance(value, dict | list):
        raise BadInput(
            f"{name!r} holds {type(value).__name__}", where="rows", do="Send numbers, texts, true, false or null."
        )
    return value


def bounded(rows: int) -> int:
    """The number of rows, if so many are taken."""
    if rows > MOST_ROWS:
        raise BadInput(f"the request has {rows} rows", where="body", do=f"Send at most {MOST_ROWS} at once.")
    return rows
