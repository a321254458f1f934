"""Answers as the bodies that are sent back."""

from typing import Any

import msgspec

from noria.model import several
from noria.serve import ids, tensors
from noria.serve.protocol import Answer, Request, parameters
from noria.serve.rest import binary, wire

ENCODER = msgspec.json.Encoder()


def answer_infer(answer: Answer, request: Request, raw: wire.Infer) -> tuple[bytes, int | None]:
    """The body of an answer, and the length of its JSON part if tensors follow it."""
    wanted = binary.wanted(raw)
    tail: list[bytes] = []
    outputs = []
    for name, datatype, values in tensors.outputs(answer, request.outputs):
        entry: dict[str, Any] = {"name": name, "datatype": datatype, "shape": list(values.shape)}
        if name == "probability":
            entry["parameters"] = {"classes": list(answer.signature.classes or ())}
        if wanted(name):
            data = tensors.pack(values, datatype)
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
            if answer.signature.several:
                entry["labels"] = several.names(answer.scores[row], answer.signature.classes or ())
            else:
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
