"""What may be declared for preprocessing."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Preprocess:
    """How the default transformer treats columns; a ``@preprocess`` function replaces it.

    Parameters
    ----------
    rare
        Categories with fewer rows than this in the training split are counted together.
    """

    rare: int = 20
