"""What may be declared about preprocessing beyond the user's own function."""

from dataclasses import dataclass

from noria.errors import BadLifecycle


@dataclass(frozen=True)
class Preprocess:
    """Options of the default transformer; a function decorated with ``preprocess`` replaces it.

    Parameters
    ----------
    min_frequency
        A category seen in fewer training rows than this gets no feature of its own.
    words
        Most words of a text column that become features.
    """

    min_frequency: int = 5
    words: int = 500

    def __post_init__(self) -> None:
        for name in ("min_frequency", "words"):
            if getattr(self, name) < 1:
                raise BadLifecycle(f"{name} is {getattr(self, name)}", where="Preprocess", do="Use at least 1.")
