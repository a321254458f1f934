"""Inputs and outputs of a model: names, kinds, datatypes; and columns brought into that form."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from noria.errors import BadInput
from noria.model.texts import Texts

MISSING = "missing"  # the category of a value that is not there; numbers use NaN
DATATYPES = {"number": "FP32", "category": "BYTES", "list": "BYTES", "text": "BYTES", "bool": "BOOL"}

Columns = Mapping[str, NDArray[Any] | Texts]


@dataclass(frozen=True, slots=True)
class Field:
    """One input column. ``kind`` is ``number``, ``category``, ``list``, ``text`` or ``bool``."""

    name: str
    kind: str

    @property
    def datatype(self) -> str:
        """Its datatype in the Open Inference Protocol."""
        return DATATYPES[self.kind]

    @property
    def numeric(self) -> bool:
        return self.kind in ("number", "bool")


@dataclass(frozen=True, slots=True)
class Signature:
    """What a model takes and gives.

    inputs
        Columns, in the order in which the preprocessor saw them.
    classes
        Labels in the order of the probabilities; None for regression.
    label
        Name of the column that is predicted.
    positive
        The favourable label; None for regression, and where a row may have several labels.
    several
        True: a row may have any number of the classes, each with its own probability.
    """

    inputs: tuple[Field, ...]
    classes: tuple[Any, ...] | None
    label: str
    positive: Any = None
    several: bool = False

    @property
    def task(self) -> str:
        if self.classes is None:
            return "regression"
        return "multilabel" if self.several else "classification"

    @property
    def positive_index(self) -> int:
        return 0 if self.classes is None else self.classes.index(self.positive)

    def outputs(self) -> list[dict[str, Any]]:
        """The outputs as the Open Inference Protocol names them."""
        if self.classes is None:
            return [{"name": "value", "datatype": "FP32", "shape": [-1]}]
        return [
            {"name": "label", "datatype": "BYTES", "shape": [-1]},
            {"name": "probability", "datatype": "FP32", "shape": [-1, len(self.classes)]},
        ]

    def plain(self) -> dict[str, Any]:
        return {
            "inputs": [{"name": f.name, "kind": f.kind, "datatype": f.datatype} for f in self.inputs],
            "outputs": self.outputs(),
            "classes": None if self.classes is None else list(self.classes),
            "label": self.label,
            "positive": self.positive,
            **({"several": True} if self.several else {}),
        }

    @classmethod
    def of(cls, raw: Mapping[str, Any]) -> "Signature":
        """Read back what ``plain`` wrote."""
        inputs = tuple(Field(one["name"], one["kind"]) for one in raw["inputs"])
        classes = None if raw["classes"] is None else tuple(raw["classes"])
        return cls(inputs, classes, raw["label"], raw["positive"], raw.get("several", False))

    def clean(self, columns: Columns) -> dict[str, Any]:
        """Columns as both Python and ONNX models take them: float32 with NaN, or texts with ``missing``; one dimension.

        ``Texts`` stay what they are: none is missing.

        Raises
        ------
        BadInput
            If a column is absent, has another length than the first, or holds texts where numbers are due.
        """
        found: dict[str, Any] = {}
        rows: int | None = None
        for field in self.inputs:
            if field.name not in columns:
                raise BadInput(f"input {field.name!r} is missing", where="predict", do="Send every input of the model.")
            values = _column(columns[field.name], field)
            rows = len(values) if rows is None else rows
            if len(values) != rows:
                raise BadInput(
                    f"input {field.name!r} has {len(values)} rows, others have {rows}",
                    where="predict",
                    do="Align them.",
                )
            found[field.name] = values
        return found


def listed(values: Any) -> list[Any]:
    """The values of a column as a list, texts as texts."""
    if isinstance(values, Texts):
        return values.tolist()
    if not isinstance(values, np.ndarray):
        return list(values)
    found: list[Any] = (values.astype(str) if values.dtype.kind == "S" else values).reshape(-1).tolist()
    return found


def _column(values: Any, field: Field) -> NDArray[Any] | Texts:
    if isinstance(values, Texts):
        if not field.numeric:
            return values
        values = values.tolist()
    # numpy would make a text of every value of a list that holds one text
    array = np.asarray(values, dtype=None if field.numeric else object).reshape(-1)
    return _numbers(array, field.name) if field.numeric else _texts(array)


def _numbers(values: NDArray[Any], name: str) -> NDArray[Any]:
    if values.dtype == np.float32:
        return values
    try:
        with np.errstate(over="ignore"):  # what float32 cannot hold is infinite, as it was in training
            return values.astype(np.float32)
    except (TypeError, ValueError) as error:
        raise BadInput(f"input {name!r} has something that is no number", where="predict", do=str(error)) from error


def _texts(values: NDArray[Any]) -> NDArray[Any]:
    texts = [MISSING if v is None or v != v else v if type(v) is str else spelled(v) for v in values.tolist()]
    found = np.empty(len(texts), dtype=object)
    found[:] = texts
    return found


def spelled(value: object) -> str:
    """A value as a category or label is written everywhere: truth values as in data files, ``true`` and ``false``.

    Examples
    --------
    >>> spelled(True), spelled(b"yes"), spelled(3)
    ('true', 'yes', '3')
    """
    if isinstance(value, bool | np.bool_):
        return "true" if value else "false"
    return value.decode() if isinstance(value, bytes) else str(value)
