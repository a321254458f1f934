"""Small changes of an input, as they happen: a number measured again, a slip of the pen, another kind."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from noria.model.several import BETWEEN
from noria.model.signature import MISSING, Field

Values = NDArray[Any]


def changed(field: Field, values: Values, size: float, random: np.random.Generator) -> Values:
    """The column with each value changed a little; what is missing stays missing.

    Numbers move by ``size`` standard deviations, up or down at random; categories and yes-or-no take the value of
    another row; a text gets two neighbouring letters swapped; a list loses one of its values.
    """
    if field.kind == "number":
        known = values[np.isfinite(values)]
        step = size * float(known.std()) if len(known) else 0.0
        return (values + step * random.choice([-1.0, 1.0], len(values))).astype(np.float32)
    if field.kind in ("text", "list"):
        slip = _typo if field.kind == "text" else _shorter
        found = np.empty(len(values), dtype=object)
        found[:] = [slip(str(one), random) if one != MISSING else one for one in values]
        return found
    return random.permutation(values)


def _typo(text: str, random: np.random.Generator) -> str:
    if len(text) < 2:
        return text
    at = int(random.integers(0, len(text) - 1))
    return text[:at] + text[at + 1] + text[at] + text[at + 2 :]


def _shorter(text: str, random: np.random.Generator) -> str:
    parts = text.split(BETWEEN)
    del parts[int(random.integers(0, len(parts)))]
    return BETWEEN.join(parts)
