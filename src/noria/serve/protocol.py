"""Request and answer as values: what REST and gRPC both become before a model sees them. No HTTP, no protobuf."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from noria.model.signature import Signature

VERSION = "2"
MOST_BYTES = 64 << 20  # of a request
EXTENSIONS = ("model_repository", "binary_tensor_data", "parameters")
DTYPES: Mapping[str, Any] = {  # datatypes of the Open Inference Protocol that have a numpy type of their own
    "BOOL": np.bool_,
    "UINT8": np.uint8,
    "UINT16": np.uint16,
    "UINT32": np.uint32,
    "UINT64": np.uint64,
    "INT8": np.int8,
    "INT16": np.int16,
    "INT32": np.int32,
    "INT64": np.int64,
    "FP16": np.float16,
    "FP32": np.float32,
    "FP64": np.float64,
}


@dataclass(frozen=True, slots=True)
class Request:
    """Rows to answer.

    columns
        By input name, a list or array of one element a row; inputs that the model does not know stay, to be
        captured.
    rows
        Their number.
    id
        The caller's own id of the request, echoed.
    subject
        Whom the rows are about, the key of sticky routing.
    version
        The version asked for; None: the route decides.
    outputs
        Names of the outputs wanted; empty: all.
    """

    model: str
    columns: Mapping[str, Any]
    rows: int
    id: str | None = None
    subject: str | None = None
    version: int | None = None
    outputs: tuple[str, ...] = ()
    parameters: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Feedback:
    """What was true for a prediction, or how good it was; ``prediction`` is its id."""

    prediction: str
    label: Any
    rating: float | None
    source: str


@dataclass(frozen=True, slots=True)
class Answer:
    """What was answered, by whom: ``label`` (objects), and ``scores`` float32 (rows, classes), or values (rows,).

    ``signature`` is that of the version; ``ignored`` counts the inputs that were sent and that it does not take.
    """

    model: str
    version: int
    release: str
    variant: str
    prediction: str
    label: NDArray[Any] | None
    scores: NDArray[np.float32]
    signature: Signature
    ignored: int = 0


def parameters(answer: Answer) -> Mapping[str, Any]:
    """What every answer says beside the answer itself."""
    said = {"prediction_id": answer.prediction, "release": answer.release, "variant": answer.variant}
    return said | {"ignored": answer.ignored} if answer.ignored else said
