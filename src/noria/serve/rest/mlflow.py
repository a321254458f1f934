"""The body that MLflow's scoring server takes and the one that it answers, to and from the protocol's values."""

from collections.abc import Sequence
from typing import Any

import msgspec
import numpy as np

from noria.errors import BadInput
from noria.model.signature import Signature
from noria.serve import tensors
from noria.serve.protocol import Answer, Request, parameters
from noria.serve.rest import answers, wire


class Split(msgspec.Struct):
    data: list[list[Any]]
    columns: list[str] | None = None
    index: list[Any] | None = None


class Invocations(msgspec.Struct):
    dataframe_split: Split | None = None
    dataframe_records: list[dict[str, Any]] | None = None
    instances: list[Any] | None = None
    inputs: dict[str, Any] | list[Any] | None = None
    params: dict[str, Any] | None = None


DECODER = msgspec.json.Decoder(Invocations)
FORMS = ("dataframe_split", "dataframe_records", "instances", "inputs")


def invocations(model: str, version: int | None, body: bytes, signature: Signature) -> Request:
    """An ``/invocations`` body as a request; rows without names are in the order of the signature's inputs."""
    sent: Invocations = wire.decode(DECODER, body)
    there = [name for name in FORMS if getattr(sent, name) is not None]
    if len(there) != 1:
        raise _bad(f"the body has {', '.join(there) or 'none'} of {', '.join(FORMS)}", "Send exactly one of them.")
    names = [one.name for one in signature.inputs]
    if sent.dataframe_split is not None:
        columns = _by_place(sent.dataframe_split.data, sent.dataframe_split.columns or names)
    elif isinstance(sent.inputs, dict):
        columns = {name: list(value) if isinstance(value, list) else [value] for name, value in sent.inputs.items()}
    else:
        rows = sent.dataframe_records or sent.instances or sent.inputs or []
        columns = _by_name(rows) if rows and isinstance(rows[0], dict) else _by_place(rows, names)
    lengths = {len(values) for values in columns.values()}
    if len(lengths) > 1:
        raise _bad("the inputs have different numbers of rows", "Align them.")
    clean = {name: [_scalar(value, name) for value in values] for name, values in columns.items()}
    given = sent.params or {}
    subject = given.get("subject")
    return Request(
        model=model,
        columns=clean,
        rows=tensors.bounded(lengths.pop() if lengths else 0),
        subject=None if subject is None else str(subject),
        version=version,
        parameters=given,
    )


def answer(found: Answer) -> bytes:
    """What MLflow's clients read: the predicted label or value of each row."""
    said: Any = found.scores.reshape(-1).tolist() if found.label is None else np.asarray(found.label).tolist()
    return answers.ENCODER.encode({"predictions": said, "parameters": parameters(found)})


def _by_name(rows: Sequence[Any]) -> dict[str, list[Any]]:
    if not all(isinstance(row, dict) for row in rows):
        raise _bad("some rows have names and some have none", "Send all rows alike.")
    names = dict.fromkeys(name for row in rows for name in row)
    return {name: [row.get(name) for row in rows] for name in names}


def _by_place(rows: Sequence[Any], names: Sequence[str]) -> dict[str, list[Any]]:
    counts = [len(row) if isinstance(row, list) else 1 for row in rows]
    wrong = next((n for n, row in zip(counts, rows) if not isinstance(row, list) or n != len(names)), None)
    if wrong is not None:
        raise _bad(f"a row has {wrong} values for {len(names)} columns", f"Send {', '.join(names)}.")
    return {name: [row[place] for row in rows] for place, name in enumerate(names)}


def _scalar(value: Any, name: str) -> Any:
    while isinstance(value, list) and len(value) == 1:  # a tensor of one column
        value = value[0]
    return wire.scalar(value, name)


def _bad(what: str, do: str) -> BadInput:
    return BadInput(what, where="body", do=do)
