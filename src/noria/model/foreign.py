"""A model that was made elsewhere, as a package: what is asked of it, and what its maker left unsaid."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from noria.digest import Digest
from noria.errors import BadInput, NoriaError, UserError
from noria.model import package
from noria.model.package import Package
from noria.model.signature import Field, Signature

FEWEST = 2  # classes
SHORTEST, SHOWN = 12, 16  # digits of a digest: enough to say which bytes are meant
OFF = 1e-3  # how far probabilities may be from adding up to 1


@dataclass(frozen=True, slots=True)
class Wish:
    """What the one who imports says.

    label
        The name of what is predicted.
    classes
        The labels in the order of the probabilities; empty: the model says them, or they are numbered.
    trust
        The SHA-256 of a pickle that may be read, in hexadecimal, at least its first twelve digits.
    """

    label: str = "label"
    classes: tuple[str, ...] = ()
    trust: str | None = None


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
        from noria.model import foreign_mlflow

        packed, origin = foreign_mlflow.read(path, wish)
    elif path.suffix == ".onnx":
        from noria.model import foreign_onnx

        packed, origin = foreign_onnx.adopt(path.read_bytes(), wish), "ONNX file"
    else:
        packed, origin = of_noria(path, wish), "noria package"
    try_out(packed, str(path))
    return packed, origin


def of_noria(file: Path, wish: Wish) -> Package:
    """A package that some noria wrote. Its safe formats are read as they are, a pickle only if it is vouched for."""
    data = file.read_bytes()
    found = package.from_bytes(data, where=str(file))
    pickles = [name for name in found.files if name.endswith(".pickle")]
    if not pickles:
        return found
    must_be_vouched(data, wish, file, f"a package with a pickle, {pickles[0]}")
    return package.from_bytes(data, Digest.of(data), where=str(file))


def must_be_vouched(data: bytes, wish: Wish, file: Path, what: str) -> None:
    """Let a pickle pass only by its digest.

    Raises
    ------
    UserError
        If the one who imports names none, or another.
    """
    digest, asked = Digest.of(data).hex, (wish.trust or "").lower()
    if len(asked) >= SHORTEST and digest.startswith(asked):
        return
    problem = "it has another digest" if asked else "reading it runs whatever code its maker put in"
    raise UserError(
        f"{file.name} is {what}: {problem}",
        where=str(file.parent),
        do=f"Export it as skops or ONNX; or, if you know who made it, import it with --trust {digest[:SHOWN]}.",
    )


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


def signature(
    fields: Sequence[Field], classes: Sequence[str] | None, wish: Wish, found: int | None = None
) -> Signature:
    """The signature of a foreign model.

    Parameters
    ----------
    classes
        The labels that the model itself names; None for regression.
    found
        How many probabilities it gives, if it says.

    Raises
    ------
    UserError
        If it has more or fewer classes than were given, or two of a name.
    """
    if classes is None:
        if wish.classes:
            raise UserError("a regression has no classes", where="--classes", do="Leave --classes out.")
        return Signature(tuple(fields), None, wish.label)
    names = tuple(wish.classes or classes)
    if len(set(names)) != len(names) or len(names) < FEWEST or found not in (None, len(names)):
        raise UserError(
            f"the model has {found or len(classes)} classes, and {len(set(names))} are named",
            where="--classes",
            do="Name each once, in the order of the probabilities, such as --classes no,yes.",
        )
    return Signature(tuple(fields), names, wish.label, names[-1])
