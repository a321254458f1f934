"""What may be declared for preprocessing."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Preprocess:
    """Nothing yet: a ``@preprocess`` function replaces the default transformer."""
