"""Small changes of an input, as they happen: a number measured again, a slip of the pen, another kind."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from noria.model.several import BETWEEN
from noria.model.signature import MISSING, Field

Values = NDArray[Any]


def kind(field: Field, values: Values) -> str:
    """The column's kind; of two numbers only, such as 0 and 1, it is yes-or-no: no change of it is small."""
    known = values[np.isfinite(values)] if field.kind == "number" else values
    return "bool" if field.kind == "number" and len(np.unique(known)) == 2 else field.kind


def changed(field: Field, values: Values, size: float, random: np.random.Generator) -> Values:
    """The column with each value changed a little; what is missing stays missing.

    Numbers move by ``size`` standard deviations, up or down at random, whole numbers by whole ones, at least 1, within
    their range; categories and yes-or-no take the value of another row; a text gets two neighbouring letters swapped; a
    list loses one of its values.
    """
    if kind(field, values) == "number":
        return _moved(values, size, random)
    if field.kind in ("text", "list"):
        slip = _typo if field.kind == "text" else _shorter
        found = np.empty(len(values), dtype=object)
        found[:] = [slip(str(one), random) if one != MISSING else one for one in values]
        return found
    return random.permutation(values)


def _moved(values: Values, size: float, random: np.random.Generator) -> Values:
    known = values[np.isfinite(values)]
    if not len(known):
        return values
    step = size * float(known.std())
    low, high = float(known.min()), float(known.max())
    whole = bool((known == np.round(known)).all())
    if whole:  # an age is not measured to a tenth: less than 1 would change nothing that can be
        step = max(1.0, round(step))
    found = values + step * random.choice([-1.0, 1.0], len(values))
    return (np.clip(found, low, high) if whole else found).astype(np.float32)


def _typo(text: str, random: np.random.Generator) -> str:
    if len(text) < 2:
        return text
    at = int(random.integers(0, len(text) - 1))
    return text[:at] + text[at + 1] + text[at] + text[at + 2 :]


def _shorter(text: str, random: np.random.Generator) -> str:
    parts = text.split(BETWEEN)
    del parts[int(random.integers(0, len(parts)))]
    return BETWEEN.join(parts)
