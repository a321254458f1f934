"""A model that was made elsewhere: what is asked of it, what its maker left unsaid, and which bytes may be read."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from noria.digest import Digest
from noria.errors import UserError
from noria.model import package
from noria.model.package import Package
from noria.model.signature import Field, Signature

FEWEST = 2  # classes
SHORTEST, SHOWN = 12, 16  # digits of a digest: enough to say which bytes are meant


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
