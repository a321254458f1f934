"""Messages of the Open Inference Protocol to and from the protocol's values."""

from collections.abc import Iterator, Mapping
from typing import Any

import msgspec
import numpy as np

from noria.errors import BadInput
from noria.serve import about, tensors
from noria.serve.grpc.messages import Contents, DecodeError, InferRequest, InferResponse, Parameter
from noria.serve.protocol import DTYPES, Answer, Request, parameters

FIELDS: Mapping[str, str] = {  # where values of a datatype stand; FP16 travels as bytes only
    "BOOL": "bool_contents",
    "UINT8": "uint_contents",
    "UINT16": "uint_contents",
    "UINT32": "uint_contents",
    "UINT64": "uint64_contents",
    "INT8": "int_contents",
    "INT16": "int_contents",
    "INT32": "int_contents",
    "INT64": "int64_contents",
    "FP32": "fp32_contents",
    "FP64": "fp64_contents",
    "BYTES": "bytes_contents",
}


def parse(kind: Any, data: bytes) -> Any:
    """A message of that kind; ``BadInput`` if the bytes are none."""
    try:
        return kind.FromString(data)
    except DecodeError as error:
        raise BadInput("the message is not what is expected", where="request", do=f"Correct it: {error}.") from error


def infer(asked: InferRequest) -> Request:
    """An inference request as the protocol's value."""
    raw = asked.raw_input_contents
    if raw and len(raw) != len(asked.inputs):
        raise BadInput(
            f"there are {len(raw)} raw contents for {len(asked.inputs)} inputs",
            where="raw_input_contents",
            do="Send one for each input.",
        )
    columns, rows = tensors.gather(_raw(asked) if raw else _typed(asked))
    given = {name: _parameter(value) for name, value in asked.parameters.items()}
    subject = given.get("subject")
    return Request(
        model=asked.model_name,
        columns=columns,
        rows=rows,
        id=asked.id or None,
        subject=None if subject is None else str(subject),
        version=about.number(asked.model_version),
        outputs=tuple(one.name for one in asked.outputs),
        parameters=given,
    )


def answer(found: Answer, request: Request, raw: bool) -> InferResponse:
    """The answer, its tensors as bytes if those that were sent came so."""
    made = InferResponse(model_name=found.model, model_version=str(found.version), id=request.id or found.prediction)
    for name, value in parameters(found).items():
        made.parameters[name].CopyFrom(parameter(value))
    for name, datatype, values in tensors.outputs(found, request.outputs):
        output = made.outputs.add(name=name, datatype=datatype, shape=values.shape)
        if name == "probability":
            output.parameters["classes"].CopyFrom(classes(found.signature.classes or ()))
        if raw:
            made.raw_output_contents.append(tensors.pack(values, datatype))
        else:
            output.contents.CopyFrom(contents(values, datatype))
    return made


def parameter(value: Any) -> Parameter:
    """A parameter of an answer: a number of rows or inputs, or a text."""
    return Parameter(int64_param=value) if isinstance(value, int) else Parameter(string_param=str(value))


def classes(labels: Any) -> Parameter:
    """The labels that the columns of probabilities stand for, as a JSON list: parameters hold no lists."""
    return Parameter(string_param=msgspec.json.encode(list(labels)).decode())


def contents(values: Any, datatype: str) -> Contents:
    """Values of a tensor in the field of their datatype."""
    flat = values.reshape(-1).tolist()
    return Contents(**{FIELDS[datatype]: [str(one).encode() for one in flat] if datatype == "BYTES" else flat})


def _parameter(value: Parameter) -> Any:
    kind = value.WhichOneof("parameter_choice")
    return None if kind is None else getattr(value, kind)


def _raw(asked: InferRequest) -> Iterator[tuple[str, int, Any]]:
    for tensor, data in zip(asked.inputs, asked.raw_input_contents, strict=True):
        if tensor.HasField("contents"):
            raise tensors.wrong(tensor.name, "contents beside raw_input_contents")
        rows = tensors.count(tensor.name, tensor.shape)
        yield tensor.name, rows, tensors.Packed(tensor.datatype, memoryview(data))


def _typed(asked: InferRequest) -> Iterator[tuple[str, int, Any]]:
    for tensor in asked.inputs:
        rows = tensors.count(tensor.name, tensor.shape)
        if tensor.datatype not in FIELDS:
            raise BadInput(
                f"input {tensor.name!r} has datatype {tensor.datatype[:40]!r}",
                where="inputs",
                do="In contents: BOOL, INT*, UINT*, FP32, FP64, BYTES.",
            )
        field = FIELDS[tensor.datatype]
        values = getattr(tensor.contents, field)
        if len(values) != rows:
            raise BadInput(
                f"input {tensor.name!r} has {len(values)} values in {field} for shape {list(tensor.shape[:8])}",
                where="inputs",
                do="Align them.",
            )
        yield tensor.name, rows, _values(tensor.name, tensor.datatype, values)


def _values(name: str, datatype: str, values: Any) -> Any:
    try:
        if datatype == "BYTES":
            return [one.decode() for one in values]
        return np.array(values, dtype=DTYPES[datatype])
    except (UnicodeDecodeError, OverflowError) as error:
        raise tensors.wrong(name, f"values that are no {datatype} ({error})") from error
