"""A model from elsewhere becomes a package and is tried out: an ONNX file, an MLflow directory, a noria package."""

from pathlib import Path
from typing import Any

import numpy as np

from noria.errors import BadInput, NoriaError, UserError
from noria.model import foreign_mlflow, foreign_onnx
from noria.model.foreign import Wish, of_noria
from noria.model.package import Package

OFF = 1e-3  # how far probabilities may be from adding up to 1


def read(path: Path, wish: Wish) -> tuple[Package, str]:
    """A foreign model as a package that was tried out, and what it was: an ONNX file, an MLflow directory or a package.

    Raises
    ------
    UserError
        If there is nothing there, it is of an unknown kind, or it holds a pickle that was not vouched for.
    BadInput
        If the model cannot be understood or does not answer.
    """
    if not path.exists():
        raise UserError("there is no such file or folder", where=str(path), do="Give an ONNX file or an MLflow model.")
    if path.is_dir():
        packed, origin = foreign_mlflow.read(path, wish)
    elif path.suffix == ".onnx":
        packed, origin = foreign_onnx.adopt(path.read_bytes(), wish), "ONNX file"
    else:
        packed, origin = of_noria(path, wish), "noria package"
    try_out(packed, str(path))
    return packed, origin


def try_out(packed: Package, where: str) -> None:
    """See that a model answers a row of zeros and ``missing``, and that its probabilities are some.

    Raises
    ------
    BadInput
        If it does not.
    """
    row: dict[str, Any] = {
        one.name: np.array([0.0 if one.numeric else "missing"], dtype=object) for one in packed.signature.inputs
    }
    try:
        found = packed.predictor().predict(row)
    except NoriaError:
        raise
    except Exception as error:  # whatever a foreign model does wrong
        text = (str(error).splitlines() or [""])[0][:200]
        raise BadInput(f"the model does not answer: {text}", where=where, do="Export it again.") from error
    if found.probability is None or packed.signature.several:
        return
    row_of = found.probability[0]
    if (row_of < -OFF).any() or abs(float(row_of.sum()) - 1) > OFF:
        raise BadInput(
            f"the model gives {', '.join(f'{one:.3g}' for one in row_of[:5])}, which are no probabilities",
            where=where,
            do="Export it with the softmax or sigmoid at its end.",
        )
